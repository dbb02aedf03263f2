// SPDX-License-Identifier: LGPL-2.1-or-later
// Few lines that several files need.

export const byId = (id) => document.getElementById(id);

export function svg(name, attributes, text = null) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  if (text !== null) element.textContent = text;
  return element;
}

/** Three digits, of small numbers three places, or a dash. */
export function digits(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return '–';
  }
  if (value === 0) return '0';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** Sets text where it is another: what listens for changes is not woken. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
