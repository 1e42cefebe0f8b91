// The chosen pair: side by side with marks, or the query laid onto the reference.

const CORNERS = ["#d55e00", "#f0e442", "#009e73", "#56b4e9", "#cc79a7", "#e69f00", "#eceef2", "#337cc4"];
const MODES = [
  { name: "beside", key: "1", label: "Side by side" },
  { name: "flicker", key: "f", label: "Flicker" },
  { name: "difference", key: "d", label: "Difference" },
];
const MARKS = [
  { name: "outlines", key: "o", label: "Outlines" },
  { name: "points", key: "m", label: "Matched keypoints" },
];
const view = { mode: "beside", outlines: true, points: false };
const FLICKER = 700; // milliseconds
const stage = byId("stage");
let ticking = 0;
let fit = null; // lays the query onto the reference, again whenever its frame has another size

function sizeText(picture) {
  const size = picture.width ? `${picture.width} × ${picture.height}` : "size not known";
  return picture.bytes ? `${size}, ${asBytes(picture.bytes)}` : size;
}

/** The parts of a name, with places between them where a line may end. */
function breakable(name) {
  return name.split(/(?<=[/_.-])(?=[^/_.-])/).flatMap((part, k) => (k ? [make("wbr"), part] : [part]));
}

function frameOf(number, role, alone) {
  const picture = pictures[number];
  const address = addressOf(number);
  const frame = make("div", "frame");
  if (address === null) frame.append(make("p", "gone", {}, picture.problem || "no picture"));
  else frame.append(make("img", "base", { alt: `${role} ${picture.name}`, decoding: "async", src: address }));
  const end = picture.name.lastIndexOf("/") + 1;
  const folder = make("bdi", "soft", {}, ...breakable(picture.name.slice(0, end)));
  const file = make("bdi", "file", {}, ...breakable(picture.name.slice(end)));
  const caption = make("figcaption", "", {}, make("span", "role", {}, `${role} `), make("span", "soft size", {}, sizeText(picture)), make("div", "name", {}, folder, file));
  if (picture.stored) caption.append(make("span", "soft", {}, " · the collection's small picture, as the file was not found"));
  else if (picture.problem && address !== null) caption.append(make("span", "bad", {}, ` · ${picture.problem}`));
  const figure = make("figure", alone ? "alone" : "", {}, caption, frame);
  figure.style.setProperty("--ratio", picture.width && picture.height ? picture.width / picture.height : 4 / 3);
  return figure;
}

/** What the two pictures of a pair are called; of copies it follows what is decided. */
function roles(pair) {
  if (isDedupe) {
    const decided = { copy: ["Goes:", "Kept:"], "keep-query": ["Kept:", "Goes:"], skip: ["Stays:", "Stays:"], "not-a-copy": ["Stays:", "Stays:"] };
    return decided[decisions.get(pair.number)] || (pair.goes ? ["Copy:", "To keep:"] : ["Stays:", "Stays:"]);
  }
  return data.kind === "compare" ? ["A:", "B:"] : ["Query:", "Reference:"];
}

/** Draw outlines and keypoints over a picture; points are (x, y) with pixel centres at integers. */
function markFrame(frame, picture, region, points, darkened) {
  if (!picture.width || !picture.height) return;
  const svg = drawn("svg", { viewBox: `-0.5 -0.5 ${picture.width} ${picture.height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (view.outlines && region) {
    const path = `M${region.map((point) => point.join(",")).join("L")}Z`;
    if (darkened) {
      const [w, h] = [picture.width - 0.5, picture.height - 0.5];
      svg.append(drawn("path", { class: "veil", d: `M-0.5,-0.5H${w}V${h}H-0.5Z${path}` }));
    }
    svg.append(drawn("path", { class: "edge under", d: path }), drawn("path", { class: "edge over", d: path }));
  }
  if (view.points) {
    const path = points.map(([x, y]) => `M${x},${y}h0.01`).join("");
    svg.append(drawn("path", { class: "point under", d: path }), drawn("path", { class: "point over", d: path }));
  }
  frame.append(svg);
  if (view.outlines && region) {
    region.forEach((point, k) => {
      const corner = make("span", "corner", { "aria-hidden": "true" }, String(k + 1));
      place(corner, picture, point);
      corner.style.background = CORNERS[k % CORNERS.length];
      frame.append(corner);
    });
  }
}

function place(element, picture, [x, y]) {
  element.style.left = `${(100 * (x + 0.5)) / picture.width}%`;
  element.style.top = `${(100 * (y + 0.5)) / picture.height}%`;
}

/** While the pointer is over one picture, show all matched keypoints, and a ring round the nearest in both. */
function follow(frames, shownPictures, points) {
  const rings = frames.map(() => make("span", "ring", { hidden: true, "aria-hidden": "true" }));
  const dots = frames.map((frame, side) => {
    const svg = drawn("svg", { viewBox: `-0.5 -0.5 ${shownPictures[side].width} ${shownPictures[side].height}`, preserveAspectRatio: "none", class: "hovered", "aria-hidden": "true" });
    const path = points.map((row) => `M${row[2 * side]},${row[2 * side + 1]}h0.01`).join("");
    svg.append(drawn("path", { class: "point under", d: path }), drawn("path", { class: "point over", d: path }));
    return svg;
  });
  const off = () => [...rings, ...dots].forEach((mark) => mark.remove());
  frames.forEach((frame, side) => {
    frame.addEventListener("pointerleave", off);
    frame.addEventListener("pointermove", (event) => {
      const box = frame.getBoundingClientRect();
      const { width, height } = shownPictures[side];
      const x = ((event.clientX - box.left) / box.width) * width - 0.5;
      const y = ((event.clientY - box.top) / box.height) * height - 0.5;
      const far = (row) => (row[2 * side] - x) ** 2 + (row[2 * side + 1] - y) ** 2;
      const nearest = points.reduce((best, row) => (far(row) < far(best) ? row : best));
      frames.forEach((other, k) => {
        if (!dots[k].isConnected) other.append(dots[k], rings[k]);
        rings[k].hidden = false;
        place(rings[k], shownPictures[k], [nearest[2 * k], nearest[2 * k + 1]]);
      });
    });
  });
}

function drawBeside(pair) {
  const [left, right] = roles(pair);
  const figures = [frameOf(pair.query, left)];
  if (pair.reference !== null) figures.push(frameOf(pair.reference, right));
  const frames = figures.map((figure) => figure.querySelector(".frame"));
  const shownPictures = [pair.query, pair.reference].slice(0, figures.length).map((k) => pictures[k]);
  const points = pair.points || [];
  markFrame(frames[0], shownPictures[0], pair.query_region, points.map((row) => row.slice(0, 2)), pair.relation === "copy");
  if (frames.length > 1) {
    markFrame(frames[1], shownPictures[1], pair.reference_region, points.map((row) => row.slice(2)), pair.relation === "copy");
    if (points.length && shownPictures.every((picture) => picture.width)) follow(frames, shownPictures, points);
  }
  stage.replaceChildren(...figures);
}

function times(a, b) {
  return [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]));
}

/** The transform from the query's picture, of a given width on the screen, to the reference's frame, as CSS has it. */
function warpOf(pair, query, reference, queryWidth, frameWidth) {
  const half = (sign) => [1, 0, sign * 0.5, 0, 1, sign * 0.5, 0, 0, 1];
  const scale = (s) => [s, 0, 0, 0, s, 0, 0, 0, 1];
  const edges = times(half(1), times(pair.transform, half(-1))); // from corners of pixels to corners of pixels
  const [a, b, c, d, e, f, g, h, i] = times(scale(frameWidth / reference.width), times(edges, scale(query.width / queryWidth)));
  return `matrix3d(${[a, d, 0, g, b, e, 0, h, 0, 0, 1, 0, c, f, 0, i].join(",")})`;
}

function whyNoWarp(pair) {
  if (pair.reference === null) return "There is no reference to lay it onto.";
  if (!pair.transform) return "No transform between the two is known, so they cannot be laid onto each other.";
  if (addressOf(pair.query) === null || addressOf(pair.reference) === null) return "One of the two pictures could not be read.";
  if (!pictures[pair.query].width || !pictures[pair.reference].width) return "The size of one of the two pictures is not known.";
  return null;
}

function drawWarped(pair) {
  const [query, reference] = [pictures[pair.query], pictures[pair.reference]];
  const figure = frameOf(pair.reference, roles(pair)[1], true);
  const frame = figure.querySelector(".frame");
  const over = make("img", `over${pair.inverted ? " inverted" : ""}`, { alt: `${query.name}, warped`, src: addressOf(pair.query) });
  const warped = make("div", "warped", {}, make("img", "", { alt: "", src: addressOf(pair.reference) }), over);
  const width = Math.min(query.width, 640);
  over.style.width = `${width}px`;
  over.style.height = `${(width * query.height) / query.width}px`;
  if (pair.reference_region && view.mode === "difference") {
    const corners = pair.reference_region.map(([x, y]) => `${(100 * (x + 0.5)) / reference.width}% ${(100 * (y + 0.5)) / reference.height}%`);
    warped.style.clipPath = `polygon(${corners.join(",")})`;
  }
  frame.classList.add(view.mode);
  frame.append(warped);
  stage.replaceChildren(figure);
  fit = () => { over.style.transform = warpOf(pair, query, reference, width, frame.clientWidth); };
  new ResizeObserver(() => fit && fit()).observe(frame);
  fit();
  if (view.mode === "flicker") flicker(frame, over, roles(pair).map((role) => role.replace(":", "")));
}

function flicker(frame, over, names) {
  const badge = make("span", "badge");
  frame.append(badge);
  const show = (seen) => {
    over.style.visibility = seen ? "visible" : "hidden";
    badge.textContent = seen ? names[0] : names[1];
  };
  let seen = true;
  show(seen);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    frame.addEventListener("click", () => show((seen = !seen)));
    return;
  }
  ticking = setInterval(() => show((seen = !seen)), FLICKER);
}

function hintOf(pair, why) {
  if (view.mode !== "beside" && why) return why;
  if (view.mode === "difference") return "Black where the two agree; only the part that both show. Brightened.";
  if (view.mode === "flicker") return "The first picture is laid onto the second one, and taken away again.";
  if (pair.points && pair.points.length) return "Corners with one number are the same place. Move the pointer over a picture for matched keypoints.";
  if (pair.query_region) return pair.points_known ? "Corners with one number are the same place." : "Corners with one number are the same place. Matched keypoints are not known for this pair.";
  return "";
}

function drawStage() {
  clearInterval(ticking);
  fit = null;
  const pair = pairs[state.at];
  const why = whyNoWarp(pair);
  if (view.mode === "beside" || why) drawBeside(pair);
  else drawWarped(pair);
  byId("hint").textContent = hintOf(pair, why);
  for (const button of byId("modes").children) button.setAttribute("aria-pressed", String(button.value === view.mode));
  for (const button of byId("marks").children) {
    button.setAttribute("aria-pressed", String(view[button.value]));
    button.disabled = view.mode !== "beside" || (button.value === "points" ? !(pair.points && pair.points.length) : !pair.query_region);
  }
}
