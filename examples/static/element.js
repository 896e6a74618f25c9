/** Elements made from values. Text goes in as text: nothing that somebody typed is ever read as HTML. */

/** `element("p", { class: "note", data: { id: 7 } }, "Hello ", element("b", {}, "Ada"))` */
export function element(tag, { data = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made[name] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

/** The picture of a person: an initial on a colour that the name decides. */
export function avatar(name) {
  return tinted(element("span", { class: "avatar", "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?"), name);
}

/** Give an element the colour of a name. */
export function tinted(element, name) {
  let sum = 7;
  for (const character of name.toLowerCase()) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  // In steps of the golden angle, so that names that are alike have colours that are not.
  element.style.setProperty("--hue", Math.round(sum * 137.508) % 360);
  return element;
}

/** The element with this id. */
export const find = (id) => document.getElementById(id);
