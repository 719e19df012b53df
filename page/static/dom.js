// Elements, made without a line of HTML: whatever came from a log is text, and stays text.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Properties are attributes; `on` holds listeners, `style` custom properties. Children may be text. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** Return an element of SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, { on = {}, style = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put other children into an element. Who has the focus keeps it, if its `data-key` is still there. */
export function refill(element, ...children) {
  const held = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children.flat().filter(Boolean));
  if (held === undefined) return;
  for (const candidate of element.querySelectorAll("[data-key]")) {
    if (candidate.dataset.key === held) candidate.focus({ preventScroll: true });
  }
}

/** Return a sentence as children in which what stands in backticks looks like a command. */
export function withCommands(sentence) {
  return sentence.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));
}
