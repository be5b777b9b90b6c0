// Names of artists and genres: a field that finds them as one types, and a dice.
import { el, debounced, set, unique } from "./dom.js";
import { get } from "./api.js";

/** All names of a list, for the dice; asked for once. */
const lists = new Map();
function everything(model, kind) {
  const key = `${model}/${kind}`;
  if (!lists.has(key)) lists.set(key, fetchAll(model, kind).catch((error) => { lists.delete(key); throw error; }));
  return lists.get(key);
}

async function fetchAll(model, kind) {
  const names = [];
  let after = "";
  do {
    const page = await get(`/models/${encodeURIComponent(model)}/${kind}?limit=1000&after=${encodeURIComponent(after)}`);
    names.push(...page.names);
    after = page.next;
  } while (after);
  return names.filter((name) => name !== "unknown");
}

/**
 * @param kind artists or genres.
 * @param model gives the model's name.
 * @param several whether the dice may be thrown for more words (a genre is a bag of words).
 */
export function nameField({ label, kind, model, value = "" }) {
  const list = unique("names");
  const options = el("ul", { id: list, role: "listbox", "aria-label": `${label}s that fit`, hidden: true, class: "names" });
  const input = el("input", {
    type: "text", value, autocomplete: "off", spellcheck: false, role: "combobox", id: unique("field"),
    "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list", placeholder: "any",
  });
  const note = el("small", { id: `${input.id}-hint` });
  input.setAttribute("aria-describedby", note.id);
  let chosen = -1;
  const open = (yes) => {
    options.hidden = !yes || options.children.length === 0;
    set(input, { "aria-expanded": String(!options.hidden), "aria-activedescendant": null });
    chosen = -1;
  };
  const take = (name) => {
    input.value = name;
    open(false);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    open(false);
  };
  const mark = (step) => {
    const all = [...options.children];
    if (all.length === 0) return;
    chosen = (chosen + step + all.length) % all.length;
    all.forEach((node, place) => node.setAttribute("aria-selected", String(place === chosen)));
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  };
  const search = debounced(150, async () => {
    if (document.activeElement !== input) return;
    try {
      const words = encodeURIComponent(input.value.trim());
      const { names } = await get(`/models/${encodeURIComponent(model())}/${kind}?limit=30&search=${words}`);
      options.replaceChildren(...names.map((name) => el("li", {
        role: "option", id: unique("name"), text: name, "aria-selected": "false",
        onmousedown: (event) => { event.preventDefault(); take(name); },
      })));
      open(names.length > 0 && !(names.length === 1 && names[0] === input.value));
    } catch { open(false); }
  });
  input.addEventListener("input", search);
  input.addEventListener("focus", search);
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (options.hidden) search(); else mark(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen >= 0) take(options.children[chosen].textContent);
    else if (event.key === "Escape" && !options.hidden) open(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const dice = el("button", {
    type: "button", class: "dice", title: `Throw the dice for ${label.toLowerCase()}`, "aria-label": `Throw the dice for ${label.toLowerCase()}`,
    onclick: async () => {
      try {
        const all = await everything(model(), kind);
        if (all.length) take(all[Math.floor(Math.random() * all.length)]);
        note.textContent = all.length ? "" : "this model has no such list";
      } catch (error) { note.textContent = error.message; }
    },
  }, el("span", { "aria-hidden": "true", text: "⚄" }));
  const node = el("div", { class: "field name-field" }, el("label", { for: input.id, text: label }),
    el("div", { class: "with-dice" }, input, dice), options, note);
  return { node, input, note };
}
