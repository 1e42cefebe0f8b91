// What the person decides: kept in memory, in the browser's storage where that is allowed, and saved as files.

const CHOICES = isDedupe
  ? [
      { value: "copy", key: "k", label: "Keep as proposed", words: "keep as proposed", help: "the copy goes, the other one stays" },
      { value: "keep-query", key: "l", label: "Keep this copy instead", words: "keep the copy instead", help: "the copy stays, the one that was to be kept goes" },
      { value: "skip", key: "s", label: "Skip", words: "skipped", help: "leave both alone" },
      { value: "not-a-copy", key: "n", label: "Not a copy", words: "not a copy", help: "both stay" },
    ]
  : [
      { value: "copy", key: "k", label: "Keep: a copy", words: "a copy", help: "the match is right" },
      { value: "skip", key: "s", label: "Skip", words: "skipped", help: "for another time" },
      { value: "not-a-copy", key: "n", label: "Not a copy", words: "not a copy", help: "the match is wrong" },
    ];
const STORED = `fingerprint report ${data.id}`;
const decisions = new Map(); // by number of the pair

/** Of what is no copy, or has frames that nobody compared, neither file goes. */
function mayDecide(number, value) {
  return !isDedupe || pairs[number].goes || !["copy", "keep-query"].includes(value);
}

function decisionWords(pair) {
  const choice = CHOICES.find((known) => known.value === decisions.get(pair.number));
  return choice ? choice.words : "not decided";
}

function restore() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) || "[]");
    for (const [number, value] of stored) {
      if (pairs[number] && CHOICES.some((choice) => choice.value === value) && mayDecide(number, value)) decisions.set(number, value);
    }
  } catch (error) {
    console.info("decisions are kept only while the page is open", error.name);
  }
}

function store() {
  try {
    localStorage.setItem(STORED, JSON.stringify([...decisions]));
  } catch (error) {
    console.info("decisions are kept only while the page is open", error.name);
  }
}

/** Note a decision, or take it back with null. Of a group one picture is kept: an earlier choice gives way. */
function decide(number, value) {
  if (value === null) decisions.delete(number);
  else decisions.set(number, value);
  let gaveWay = null;
  if (value === "keep-query") {
    for (const other of pairs) {
      if (other.group === pairs[number].group && other.number !== number && decisions.get(other.number) === "keep-query") {
        decisions.set(other.number, "copy");
        gaveWay = other;
      }
    }
  }
  store();
  return gaveWay;
}

function decidedRows() {
  return [...decisions.keys()].sort((a, b) => a - b).map((number) => {
    const pair = pairs[number];
    const query = pictures[pair.query];
    const reference = pair.reference === null ? null : pictures[pair.reference];
    const row = { decision: decisions.get(number), query: query.path || query.name, reference: reference && (reference.path || reference.name) };
    if (!isDedupe) return { ...row, relation: pair.relation, value: pair.value };
    return {
      ...row,
      group: pair.group,
      query_bytes: query.bytes,
      query_sha256: query.content,
      reference_bytes: reference.bytes,
      reference_sha256: reference.content,
    };
  });
}

const COLUMNS = isDedupe
  ? ["decision", "group", "query", "reference", "query_bytes", "query_sha256", "reference_bytes", "reference_sha256"]
  : ["decision", "query", "reference", "relation", "value"];

function asJson() {
  return `${JSON.stringify({ format: "fingerprint decisions", version: 1, kind: data.kind, decisions: decidedRows() }, null, 1)}\n`;
}

/** A cell of the table: unsafe names as JSON strings, as all commands write them, and no cell that is a formula. */
function asCell(value, isName) {
  let text = value === null || value === undefined ? "" : String(value);
  if (isName && /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]|^"/u.test(text)) text = escapedName(text);
  if (isName && /^[=+\-@]/.test(text)) text = `./${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function escapedName(text) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", '"': '\\"', "\\": "\\\\" };
  const unsafe = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069"\\]/gu;
  return `"${text.replace(unsafe, (sign) => short[sign] || `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

function asCsv() {
  const lines = decidedRows().map((row) => COLUMNS.map((name) => asCell(row[name], name === "query" || name === "reference")).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}

function save(text, type, ending) {
  if (!decisions.size) {
    say("Nothing is decided yet.");
    return;
  }
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = make("a", "", { href: address, download: `decisions.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  say(`Saved ${counted(decisions.size, "decision")} as decisions.${ending}.`);
}
