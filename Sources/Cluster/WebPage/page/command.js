// What the page does, as a command line to copy.
import { el } from "./dom.js";

const quoted = (text) => /^[\w.,:@%+/=-]+$/.test(text) ? text : `'${String(text).replaceAll("'", "'\\''")}'`;

/** `orchestrion NAME …`: of `options`, empty ones are left out, `true` is a flag, and lists are joined by commas. */
export function line(name, words, options = {}) {
  const parts = ["orchestrion", name, ...words.filter((word) => word !== "").map(quoted)];
  for (const [option, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === "" || value === false || value.length === 0) continue;
    parts.push(`--${option}`);
    if (value !== true) parts.push(quoted(Array.isArray(value) ? value.join(",") : String(value)));
  }
  return parts.join(" ");
}

/** A disclosure with the line that `current` gives whenever it is looked at. */
export function disclosure(current, label = "As a command") {
  const code = el("code", { class: "command", tabIndex: 0 });
  const copy = el("button", { type: "button", class: "small", text: "Copy", onclick: async () => {
    await navigator.clipboard?.writeText(code.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  } });
  const node = el("details", { class: "as-command" }, el("summary", { text: label }), el("div", { class: "command-row" }, code, copy));
  // A short word is not broken at its dashes.
  const word = (text) => el("span", { class: text.length < 24 ? "unbroken" : null, text });
  const update = () => {
    if (!node.open) return;
    const text = [current()].flat().join("\n");
    if (code.textContent !== text) code.replaceChildren(...text.split(/(\s+)/).map((part) => part.trim() ? word(part) : part));
  };
  node.addEventListener("toggle", update);
  return { node, update };
}
