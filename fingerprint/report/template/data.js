// What the page holds, and small helpers. Names of files are only ever set as text.

const data = JSON.parse(document.getElementById("data").textContent);
const { pictures, pairs } = data;
const encoded = document.getElementById("pictures").textContent.slice(1).split("\n");
const isDedupe = data.kind === "dedupe";
const knowsTruth = pairs.some((pair) => pair.true !== null);
const NAMES = { copy: "A copy", shared: "Something shared", unrelated: "Unrelated", nothing: "Nothing found", unknown: "Not compared here" };

function byId(id) {
  return document.getElementById(id);
}

/** Make an element: its class, properties by name, and children, which are elements or texts. */
function make(tag, className, properties, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function drawn(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** An address of a picture that is in this page; null if it could not be read. */
function addressOf(number) {
  return number === null || !encoded[number] ? null : `data:image/webp;base64,${encoded[number]}`;
}

function relationOf(pair) {
  return pair.relation || (pair.reference === null ? "nothing" : "unknown");
}

/** A probability as it is written everywhere: in percent, never rounded to 0 or 100. */
function asProbability(p) {
  if (p >= 0.9995 && p < 1) return "> 99.9 %";
  if (p > 0 && p < 0.0005) return "< 0.1 %";
  return `${(100 * p).toFixed(p > 0 && p < 1 ? 1 : 0)} %`;
}

function asValue(value) {
  if (value === null) return "–";
  return data.axis === "probability" ? asProbability(value) : value.toFixed(2);
}

function asBytes(n) {
  if (n < 1000) return `${n} B`;
  let unit = "kB";
  n /= 1000;
  for (const larger of ["MB", "GB", "TB"]) {
    if (n < 1000) break;
    n /= 1000;
    unit = larger;
  }
  return `${n < 100 ? n.toFixed(1) : Math.round(n)} ${unit}`;
}

function counted(n, one, many) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many || `${one}s`}`;
}

function say(text) {
  byId("said").textContent = text;
  clearTimeout(say.later);
  say.later = setTimeout(() => { byId("said").textContent = ""; }, 3500);
}
