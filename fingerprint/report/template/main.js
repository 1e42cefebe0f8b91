// Everything comes together: controls, keys, and the chosen pair.

function factsOf(pair) {
  const facts = [];
  if (pair.probability !== null) facts.push(["probability of a copy", asProbability(pair.probability)]);
  else if (pair.value !== null) facts.push(["score", asValue(pair.value)]);
  if (pair.relation === "shared") facts.push(["of something shared", asProbability(pair.shared_probability)]);
  if (pair.n_inliers !== null) facts.push(["matching keypoints", String(pair.n_inliers)]);
  if (pair.group !== null) facts.push(["group", String(pair.group)]);
  if (pair.true !== null) facts.push(["by the ground truth", `${pair.true ? "a true pair" : "not a true pair"}: ${outcomeOf(pair)}`, isAbove(pair) === pair.true ? "copy" : "bad"]);
  if (pair.edits.length) facts.push(["edits", pair.edits.join(", ")]);
  for (const reason of pair.reasons) facts.push([reason.startsWith("-") ? "against a copy" : "for a copy", reason]);
  if (pair.why) facts.push(["kept because", pair.why]);
  if (decisions.has(pair.number)) facts.push(["decided", decisionWords(pair)]);
  return facts.map(([name, value, kind]) => make("div", "", {}, make("dt", "", {}, name), make("dd", kind || "", {}, value)));
}

function drawPair() {
  const none = state.at < 0;
  byId("nothing").hidden = !none;
  byId("chosen").hidden = none;
  if (none) {
    clearInterval(ticking);
    return;
  }
  const pair = pairs[state.at];
  const position = state.listed.indexOf(state.at);
  byId("words").textContent = pair.headline;
  byId("words").className = relationOf(pair);
  byId("position").textContent = `${position + 1} of ${state.listed.length}`;
  byId("facts").replaceChildren(...factsOf(pair));
  byId("previous").disabled = position <= 0;
  byId("next").disabled = position >= state.listed.length - 1;
  for (const button of byId("decisions").children) {
    button.setAttribute("aria-pressed", String(button.value === decisions.get(pair.number)));
    button.disabled = !mayDecide(pair.number, button.value);
  }
  drawStage();
}

function drawCounts() {
  byId("summary").textContent = summaryText();
  const counts = sideCounts();
  for (const button of byId("show").children) {
    button.querySelector("b").textContent = counts[button.value].toLocaleString("en");
    button.setAttribute("aria-pressed", String(button.value === state.show));
  }
  byId("listed").textContent = `${counted(state.listed.length, "pair")} listed`;
  drawAtOnce();
  for (const bar of byId("histogram").children) bar.classList.toggle("above", Number(bar.dataset.from) >= state.threshold);
  const nOn = Object.values(state.chosen).filter((wanted) => wanted.size).length + (state.text ? 1 : 0);
  byId("filters-on").textContent = nOn ? `${nOn} on` : "";
  if (byId("filters").open) drawFacets();
  if (byId("by-edit").open) drawByEdit();
}

function drawFacets() {
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.chip : undefined;
  byId("facets").replaceChildren(
    ...FACETS.map((facet) => {
      const counts = [...facetCounts(facet)].sort((a, b) => (facet.name === "edit" || facet.name === "done" ? b[1] - a[1] || a[0].localeCompare(b[0]) : 0));
      const wanted = state.chosen[facet.name] || new Set();
      const chips = counts.map(([value, n]) => {
        const chip = make("button", "", { type: "button", "aria-pressed": String(wanted.has(value)) }, `${value} `, make("span", "n", {}, n.toLocaleString("en")));
        chip.dataset.chip = `${facet.name}:${value}`;
        chip.addEventListener("click", () => toggle(facet.name, value));
        return chip;
      });
      return chips.length > 1 ? make("fieldset", "", {}, make("legend", "", {}, facet.label), make("div", "chips", {}, ...chips)) : "";
    })
  );
  if (focused) [...byId("facets").querySelectorAll("button")].find((chip) => chip.dataset.chip === focused)?.focus();
}

function drawByEdit() {
  byId("edit-rows").replaceChildren(
    ...recallByEdit().map(([edit, n, found]) => {
      const button = make("button", "", { type: "button" }, edit);
      button.addEventListener("click", () => {
        state.chosen = { edit: new Set([edit]), outcome: new Set(["missed", "found"]) };
        byId("by-edit").close();
        byId("filters").open = true;
        update();
      });
      const share = found / n;
      const meter = make("meter", "", { min: 0, max: 1, value: share, "aria-label": `recall ${(100 * share).toFixed(0)} %` });
      const cells = [n, found, n - found].map((number) => make("td", "", {}, String(number)));
      return make("tr", "", {}, make("th", "", { scope: "row" }, button), ...cells, make("td", "", {}, meter, `${(100 * share).toFixed(1)} %`));
    })
  );
}

/** Filter, count and draw all again. */
/** Draw everything again after a change of what is listed; what was decided at once then counts as decided. */
function update(keepAtOnce = false) {
  if (!keepAtOnce) atOnce = [];
  relist();
  drawCounts();
  drawRows(true);
  scrollToChosen();
  drawRows(false);
  drawPair();
}

let atOnce = []; // numbers of the pairs that the last press of its button decided

/** Decide all copies that are listed and not decided yet as proposed; a second press takes that back. */
function decideListed() {
  if (atOnce.length) {
    for (const number of atOnce) if (decisions.get(number) === "copy") decisions.delete(number);
    atOnce = [];
  } else {
    atOnce = openCopies();
    for (const number of atOnce) decisions.set(number, "copy");
  }
  store();
  update(true);
}

function openCopies() {
  return state.listed.filter((number) => pairs[number].relation === "copy" && pairs[number].goes && !decisions.has(number));
}

function drawAtOnce() {
  const n = atOnce.length || openCopies().length;
  byId("at-once").textContent = atOnce.length ? `Take back ${counted(n, "decision")}` : `${isDedupe ? "Keep as proposed" : "Right"}: all ${n.toLocaleString("en")} listed copies`;
  byId("at-once").disabled = !n;
}

function toggle(facet, value) {
  const wanted = (state.chosen[facet] = state.chosen[facet] || new Set());
  if (!wanted.delete(value)) wanted.add(value);
  update();
}

function choose(number, byPointer) {
  state.at = number;
  for (const row of shownRows.values()) row.setAttribute("aria-selected", String(row.id === `row-${number}`));
  scrollToChosen();
  drawRows(false);
  drawPair();
  if (byPointer && byId("pair").offsetTop > list.offsetTop + 50) byId("pair").scrollIntoView({ block: "start" });
}

function step(by) {
  const position = state.listed.indexOf(state.at) + by;
  if (position >= 0 && position < state.listed.length) choose(state.listed[position]);
}

/** Note what the person decides of the chosen pair, and go on to the next. */
function settle(value) {
  if (state.at < 0) return;
  if (!mayDecide(state.at, value)) return say("Both files stay: this is no copy, or has frames that were not compared.");
  const [number, position] = [state.at, state.listed.indexOf(state.at)];
  const gaveWay = decide(number, value);
  const following = state.listed[position + 1];
  relist();
  if (value !== null && following !== undefined && state.listed.includes(following)) state.at = following;
  drawCounts();
  drawRows(true);
  scrollToChosen();
  drawRows(false);
  drawPair();
  if (gaveWay) say(`Of group ${gaveWay.group} another picture is kept now; ${pictures[gaveWay.query].name} counts as a copy.`);
  else if (value !== null && following === undefined) say("That was the last pair of this list.");
}

function setThreshold(value) {
  if (!Number.isFinite(value)) return;
  state.threshold = Math.min(data.most, Math.max(data.least, value));
  byId("threshold").value = String(Math.round((1000 * (state.threshold - data.least)) / (data.most - data.least)));
  byId("threshold-number").value = String(Number(state.threshold.toFixed(3)));
  update();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
}

function setMode(mode) {
  view.mode = mode;
  drawPair();
}

function toggleMark(mark) {
  view[mark] = !view[mark];
  drawPair();
}

const KEYS = [
  { keys: ["j", "ArrowRight", "ArrowDown"], shown: "J → ↓", help: "next pair", run: () => step(1) },
  { keys: ["b", "ArrowLeft", "ArrowUp"], shown: "B ← ↑", help: "previous pair", run: () => step(-1) },
  ...CHOICES.map((choice) => ({ keys: [choice.key], shown: choice.key.toUpperCase(), help: `${choice.label.toLowerCase()}: ${choice.help}`, run: () => settle(choice.value) })),
  { keys: ["z", "Backspace"], shown: "Z", help: "take the decision back", run: () => settle(null) },
  ...MODES.map((mode) => ({ keys: [mode.key], shown: mode.key.toUpperCase(), help: mode.label.toLowerCase(), run: () => setMode(mode.name === view.mode ? "beside" : mode.name) })),
  ...MARKS.map((mark) => ({ keys: [mark.key], shown: mark.key.toUpperCase(), help: `${mark.label.toLowerCase()} on or off`, run: () => toggleMark(mark.name) })),
  { keys: ["/"], shown: "/", help: "search for a name", run: () => { byId("filters").open = true; byId("find").focus(); } },
  { keys: ["e"], shown: "E", help: "save the decisions as JSON", run: () => save(asJson(), "application/json", "json") },
  { keys: ["t"], shown: "T", help: "dark or light", run: () => switchTheme() },
  { keys: ["?"], shown: "?", help: "this list", run: () => byId("help").showModal() },
];

function switchTheme() {
  setTheme(byId("theme").getAttribute("aria-pressed") === "true" ? "light" : "dark");
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const field = event.target.closest("input, select, textarea");
  if (field) {
    if (event.key === "Escape" || (event.key === "Enter" && field.type === "search")) field.blur();
    return;
  }
  if (event.key === "Home" || event.key === "End") {
    if (event.target === list && state.listed.length) {
      choose(state.listed[event.key === "Home" ? 0 : state.listed.length - 1]);
      event.preventDefault();
    }
    return;
  }
  const known = KEYS.find((entry) => entry.keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
  if (!known) return;
  event.preventDefault();
  known.run();
}

function segment(value, key, label, run) {
  const button = make("button", "", { type: "button", value, "aria-keyshortcuts": key.toUpperCase() }, `${label} `, make("kbd", "", {}, key.toUpperCase()));
  button.addEventListener("click", run);
  return button;
}

function drawHistogram() {
  const bins = new Array(50).fill(0);
  const valued = pairs.filter((pair) => pair.value !== null);
  for (const pair of valued) {
    const share = (pair.value - data.least) / (data.most - data.least);
    bins[Math.min(49, Math.max(0, Math.floor(50 * share)))] += 1;
  }
  const most = Math.max(1, ...bins);
  byId("histogram").append(
    ...bins.map((n, k) => {
      const height = n ? Math.max(1, (20 * Math.log1p(n)) / Math.log1p(most)) : 0;
      const bar = drawn("rect", { x: 2 * k + 0.2, y: 20 - height, width: 1.6, height });
      bar.dataset.from = String(data.least + ((data.most - data.least) * k) / 50);
      return bar;
    })
  );
}

function setUp() {
  document.body.dataset.kind = data.kind;
  const what = data.axis === "probability" ? "probability" : "score";
  byId("threshold-label").textContent = isDedupe ? `A copy from this ${what} on` : `Found from this ${what} on`;
  Object.assign(byId("threshold-number"), { min: data.least, max: data.most, step: data.axis === "probability" ? 0.001 : 0.01 });
  byId("threshold").addEventListener("input", (event) => setThreshold(data.least + ((data.most - data.least) * event.target.value) / 1000));
  byId("threshold-number").addEventListener("change", (event) => setThreshold(Number(event.target.value)));
  byId("show").append(
    ...[["all", "all"], ["above", "from it on"], ["below", "below"]].map(([value, label]) => {
      const button = make("button", "", { type: "button", value }, make("b"), label);
      button.addEventListener("click", () => { state.show = value; update(); });
      return button;
    })
  );
  byId("modes").append(...MODES.map((mode) => segment(mode.name, mode.key, mode.label, () => setMode(mode.name))));
  byId("marks").append(...MARKS.map((mark) => segment(mark.name, mark.key, mark.label, () => toggleMark(mark.name))));
  byId("decisions").append(...CHOICES.map((choice) => segment(choice.value, choice.key, choice.label, () => settle(decisions.get(state.at) === choice.value ? null : choice.value))));
  byId("sort").append(...data.orders.map((order) => make("option", "", { value: order }, order)));
  byId("sort").addEventListener("change", (event) => { Object.assign(state, { sort: event.target.value, at: -1 }); update(); });
  byId("find").addEventListener("input", (event) => { state.text = event.target.value.toLowerCase(); update(); });
  byId("clear").addEventListener("click", () => { Object.assign(state, { chosen: {}, text: "", show: "all" }); byId("find").value = ""; update(); });
  byId("filters").addEventListener("toggle", drawCounts);
  byId("at-once").addEventListener("click", decideListed);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("export-json").addEventListener("click", () => save(asJson(), "application/json", "json"));
  byId("export-csv").addEventListener("click", () => save(asCsv(), "text/csv", "csv"));
  byId("theme").addEventListener("click", switchTheme);
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("keys").append(...KEYS.map((key) => make("tr", "", {}, make("th", "", { scope: "row" }, ...key.shown.split(" ").flatMap((name) => [make("kbd", "", {}, name), " "])), make("td", "", {}, key.help))));
  byId("about-decisions").textContent = isDedupe
    ? "The saved file is for 'fingerprint dedupe find PATH... --apply decisions.json --move-to DIR'. Only what is decided is acted on, and only if no file has changed. Nothing is deleted."
    : "The saved file lists what was decided of each pair; nothing is done with the pictures.";
  byId("by-edit-open").hidden = !(knowsTruth && pairs.some((pair) => pair.edits.length));
  byId("by-edit-open").addEventListener("click", () => { drawByEdit(); byId("by-edit").showModal(); });
  setUpNotes();
  drawHistogram();
  document.addEventListener("keydown", onKey);
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

const MOST_UNREAD = 1000; // files that are named; the number of all is on the button

function setUpNotes() {
  const { skipped } = data;
  const button = byId("notes-open");
  button.hidden = !(data.n_notes || skipped.length);
  button.textContent = skipped.length ? `Notes, ${skipped.length.toLocaleString("en")} not read` : "Notes";
  byId("unread").hidden = !skipped.length;
  button.addEventListener("click", () => {
    if (!byId("unread-list").children.length) {
      const items = skipped.slice(0, MOST_UNREAD).map((item) => make("li", "", {}, make("bdi", "", {}, item.path), `: ${item.reason}`));
      if (skipped.length > MOST_UNREAD) items.push(make("li", "", {}, `and ${(skipped.length - MOST_UNREAD).toLocaleString("en")} more`));
      byId("unread-list").append(...items);
    }
    byId("notes").showModal();
  });
}

pairs.forEach((pair, k) => { pair.number = k; });
restore();
setUp();
setThreshold(data.threshold);
byId("loading").remove();
document.documentElement.dataset.ready = String(Math.round(performance.now())); // milliseconds since the page was asked for
