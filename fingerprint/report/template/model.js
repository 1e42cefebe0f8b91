// Which pairs are listed, in which order, and what is counted.

const state = {
  threshold: data.threshold,
  show: "all", // or "above", "below"
  text: "",
  chosen: {}, // by facet: a set of values; a facet with none lets everything pass
  sort: data.orders[0],
  listed: [], // numbers of the pairs that pass all filters, in order
  at: -1, // number of the pair that is looked at
};

const searched = pairs.map((pair) =>
  [pair.query, pair.reference].map((k) => (k === null ? "" : `${pictures[k].name}\n${pictures[k].path || ""}`)).join("\n").toLowerCase()
);

function isAbove(pair) {
  return pair.value !== null && pair.value >= state.threshold;
}

/** How a pair compares with the truth, at the threshold as it is set; null where the truth is not known. */
function outcomeOf(pair) {
  if (pair.true === null) return null;
  if (pair.true) return isAbove(pair) ? "found" : "missed";
  return isAbove(pair) ? "wrong" : "rightly not found";
}

const FACETS = [
  { name: "outcome", label: "Against the ground truth", of: (pair) => [outcomeOf(pair)], when: () => knowsTruth },
  { name: "relation", label: "Relation", of: (pair) => [NAMES[relationOf(pair)]] },
  { name: "done", label: "What was done, by the verdict", of: (pair) => pair.kinds },
  { name: "edit", label: "What was done, by the list of edits", of: (pair) => pair.edits },
  {
    name: "type",
    label: "File type",
    of: (pair) => [...new Set([pair.query, pair.reference].filter((k) => k !== null).map((k) => pictures[k].type))],
  },
  { name: "decision", label: "Decision", of: (pair) => [decisionWords(pair)] },
].filter((facet) => !facet.when || facet.when());

/** Whether a pair passes all filters, one facet left out. */
function passes(pair, number, exceptFacet, exceptShow) {
  if (!exceptShow && state.show !== "all" && isAbove(pair) !== (state.show === "above")) return false;
  if (state.text && !searched[number].includes(state.text)) return false;
  return FACETS.every((facet) => {
    const wanted = state.chosen[facet.name];
    return facet.name === exceptFacet || !wanted || !wanted.size || facet.of(pair).some((value) => wanted.has(value));
  });
}

const ORDERS = {
  "as found": () => 0,
  "by group": () => 0,
  "surest first": (a, b) => compared(pairs[b].value, pairs[a].value),
  "least sure first": (a, b) => compared(pairs[a].value, pairs[b].value, true),
  "by name": (a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }),
  "most to free first": (a, b) => (pairs[b].frees || 0) - (pairs[a].frees || 0),
};

function nameOf(number) {
  return pictures[pairs[number].query].name;
}

function compared(a, b, nothingLast) {
  const missing = nothingLast ? Infinity : -Infinity;
  return (a === null ? missing : a) - (b === null ? missing : b) || 0;
}

/** Filter and sort; the pair that is looked at stays if it is still listed. */
function relist() {
  const order = ORDERS[state.sort];
  state.listed = [...pairs.keys()].filter((k) => passes(pairs[k], k)).sort((a, b) => order(a, b) || a - b);
  if (!state.listed.includes(state.at)) state.at = state.listed.length ? state.listed[0] : -1;
}

/** How many pairs lie at or above the threshold, and below it, of those that pass the other filters. */
function sideCounts() {
  const counts = { all: 0, above: 0, below: 0 };
  pairs.forEach((pair, k) => {
    if (!passes(pair, k, null, true)) return;
    counts.all += 1;
    counts[isAbove(pair) ? "above" : "below"] += 1;
  });
  return counts;
}

/** For each value of a facet, how many pairs would be listed with it, and in which order values are shown. */
function facetCounts(facet) {
  const counts = new Map();
  pairs.forEach((pair, k) => {
    const passing = passes(pair, k, facet.name);
    for (const value of facet.of(pair)) counts.set(value, (counts.get(value) || 0) + (passing ? 1 : 0));
  });
  return counts;
}

function outcomeCounts() {
  const counts = { found: 0, missed: 0, wrong: 0, "rightly not found": 0 };
  for (const pair of pairs) if (pair.true !== null) counts[outcomeOf(pair)] += 1;
  return counts;
}

/** Recall by edit: [edit, true pairs, found], the poorest first. */
function recallByEdit() {
  const rows = new Map();
  for (const pair of pairs) {
    if (!pair.true) continue;
    for (const edit of new Set(pair.edits)) {
      const row = rows.get(edit) || [edit, 0, 0];
      row[1] += 1;
      row[2] += isAbove(pair) ? 1 : 0;
      rows.set(edit, row);
    }
  }
  return [...rows.values()].sort((a, b) => a[2] / a[1] - b[2] / b[1] || a[0].localeCompare(b[0]));
}

function summaryText() {
  const above = pairs.filter(isAbove);
  if (knowsTruth) {
    const { found, missed, wrong } = outcomeCounts();
    const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");
    return `${found.toLocaleString("en")} found, ${missed.toLocaleString("en")} missed, ${wrong.toLocaleString("en")} wrong · ` +
      `recall ${share(found, found + missed)}, precision ${share(found, found + wrong)}`;
  }
  const decided = `${counted(decisions.size, "pair")} decided`;
  if (isDedupe) {
    const groups = new Set(above.map((pair) => pair.group)).size;
    const frees = above.reduce((sum, pair) => sum + (pair.frees || 0), 0);
    return `${counted(above.length, "copy", "copies")} in ${counted(groups, "group")}, ${asBytes(frees)} could be freed · ${decided}`;
  }
  const queries = new Set(above.map((pair) => pair.query)).size;
  return `${counted(above.length, "pair")} at or above the threshold, of ${counted(queries, "query", "queries")} · ${decided}`;
}
