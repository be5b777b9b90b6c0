// Dialogs: a form in the middle of the page, which says beside itself what was refused.
import { el, unique } from "./dom.js";
import { disclosure } from "./command.js";
import { where } from "./route.js";

/**
 * Shows a dialog, and closes it when what it asks for was done.
 * @param options title, body (elements), action (the button's word), act (async, may throw a Problem), command (gives its
 *   command line), isGrave (for what cannot be undone).
 */
export function show({ title, body, action, act, command, isGrave = false, wide = false }) {
  const heading = unique("dialog");
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const as = command ? disclosure(command) : null;
  const button = action ? el("button", { type: "submit", class: isGrave ? "grave" : "primary", text: action }) : null;
  const form = el("form", { method: "dialog", noValidate: true },
    el("h2", { id: heading, text: title }), el("div", { class: "dialog-body" }, body), trouble, as?.node,
    el("div", { class: "dialog-buttons" }, el("button", { type: "button", class: "quiet", text: action ? "Cancel" : "Close", onclick: () => dialog.close() }), button));
  const dialog = el("dialog", { "aria-labelledby": heading, class: wide ? "wide" : null }, form);
  form.addEventListener("input", () => as?.update());
  form.addEventListener("change", () => as?.update());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!button || button.disabled) return;
    button.disabled = true;
    trouble.hidden = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
  const opener = document.activeElement;
  // What it asks for is of the song that it was opened for.
  const song = where().song;
  const leave = () => { if (where().song !== song) dialog.close(); };
  addEventListener("hashchange", leave);
  dialog.addEventListener("close", () => {
    removeEventListener("hashchange", leave);
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A field with its label; `hint` is a line below it. */
export function field(label, input, hint = "") {
  input.id ||= unique("field");
  const note = el("small", { id: `${input.id}-hint`, text: hint });
  input.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: input.id, text: label }), input, note);
}

/** A field for a number. */
export const number = (value, { min = 0, max = null, step = "any", ...more } = {}) =>
  el("input", { type: "number", value: value === null ? "" : String(value), min: String(min), max: max === null ? "" : String(max), step: String(step), inputMode: "decimal", ...more });

/** What a field for a number says; null when it is empty. */
export const figure = (input) => input.value.trim() === "" ? null : Number(input.value);
