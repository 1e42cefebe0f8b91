// The list of pairs: only the rows in view are in the document.

const ROW = 84; // pixels, as --row in the style sheet
const SPARE = 4; // rows above and below the view
const list = byId("list");
const rows = byId("rows");
const shownRows = new Map(); // by position in the list
let pending = 0;

function small(number) {
  const address = addressOf(number);
  if (address === null) return make("span", "small none", {}, number === null ? "–" : "no picture");
  return make("img", "small", { alt: "", decoding: "async", src: address });
}

/** The ends of two paths, as much of each as tells them apart: rows have no room for whole paths. */
function ends(first, second) {
  const [a, b] = [first.split("/"), second.split("/")];
  let n = 1;
  while (n < Math.max(a.length, b.length) && a.slice(-n).join("/") === b.slice(-n).join("/")) n += 1;
  return [a, b].map((parts) => (parts.length > n ? `…/${parts.slice(-n).join("/")}` : parts.join("/")));
}

function makeRow(position) {
  const number = state.listed[position];
  const pair = pairs[number];
  const reference = pair.reference === null ? null : pictures[pair.reference];
  const [queryEnd, referenceEnd] = ends(pictures[pair.query].name, reference === null ? "" : reference.name);
  const outcome = outcomeOf(pair);
  const decided = decisions.has(number) ? `✓ ${decisionWords(pair)}` : "";
  const third = [pair.group === null ? "" : `group ${pair.group}`, outcome || "", decided].filter(Boolean).join(" · ");
  const row = make(
    "div",
    `row ${isAbove(pair) ? "above" : "below"}`,
    { id: `row-${number}`, role: "option", "aria-selected": String(number === state.at), "aria-posinset": position + 1, "aria-setsize": state.listed.length },
    small(pair.query),
    small(pair.reference),
    make(
      "div",
      "said",
      {},
      make("div", `what ${relationOf(pair)}`, {}, make("span", "", {}, pair.words), make("span", "", {}, asValue(pair.value))),
      make("div", "", {}, make("bdi", "", { title: pictures[pair.query].name }, queryEnd)),
      make("div", "soft", {}, reference === null ? "no reference" : make("bdi", "", { title: reference.name }, referenceEnd)),
      make("div", outcome === "wrong" || outcome === "missed" ? "bad" : "soft", {}, third)
    )
  );
  row.style.top = `${position * ROW}px`;
  row.addEventListener("click", () => choose(number, true));
  return row;
}

/** Put the rows in view into the document, and take the others out. */
function drawRows(anew) {
  pending = 0;
  if (anew) {
    for (const row of shownRows.values()) row.remove();
    shownRows.clear();
    rows.style.height = `${state.listed.length * ROW}px`;
  }
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
  const last = Math.min(state.listed.length - 1, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
  for (const [position, row] of shownRows) {
    if (position < first || position > last) {
      row.remove();
      shownRows.delete(position);
    }
  }
  for (let position = first; position <= last; position += 1) {
    if (!shownRows.has(position)) {
      const row = makeRow(position);
      shownRows.set(position, row);
      rows.append(row);
    }
  }
  if (state.at >= 0) list.setAttribute("aria-activedescendant", `row-${state.at}`);
  else list.removeAttribute("aria-activedescendant");
}

function scrollToChosen() {
  const top = state.listed.indexOf(state.at) * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
}

list.addEventListener("scroll", () => {
  if (!pending) pending = requestAnimationFrame(() => drawRows(false));
});
new ResizeObserver(() => drawRows(false)).observe(list);
