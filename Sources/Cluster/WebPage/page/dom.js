// Elements, made and kept up to date.

/** Makes an element. Of `props`, functions named onEVENT listen, `class` and names with a dash are attributes. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  set(node, props);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets what has changed. `false` and null take an attribute away. */
export function set(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") {
      if (node.textContent !== value) node.textContent = value;
    } else if (name === "class" || name.includes("-") || name === "role" || name === "for" || !(name in node)) {
      if (value === null || value === false) node.removeAttribute(name);
      else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
    } else if (node[name] !== value) node[name] = value;
  }
  return node;
}

/** Keeps the children of `parent` in step with `items`: what stays keeps its element, and so its focus. */
export function keyed(parent, items, key, make, update) {
  const known = new Map([...parent.children].filter((node) => node.dataset.key).map((node) => [node.dataset.key, node]));
  let place = null;
  for (const item of items) {
    const name = String(key(item));
    let node = known.get(name);
    if (!node) {
      node = make(item);
      node.dataset.key = name;
    }
    known.delete(name);
    update?.(node, item);
    const wanted = place ? place.nextElementSibling : parent.firstElementChild;
    if (wanted !== node) parent.insertBefore(node, wanted);
    place = node;
  }
  for (const node of known.values()) node.remove();
}

let next = 0;
/** An id that no other element has. */
export const unique = (prefix) => `${prefix}-${++next}`;

/** Says something to who listens to the page. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 50);
}

/** Calls `body` when nobody has asked again for a while. */
export function debounced(milliseconds, body) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => body(...values), milliseconds);
  };
}
