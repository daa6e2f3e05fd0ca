// The log. All its lines are kept as strings in blocks; only blocks near the
// window are made into elements, so that a log of any length scrolls.

const perBlock = 300;
const longest = 20000; // characters of a line that are shown
const rowHeight = 19;

const log = {
  section: null, box: null, status: null, counter: null, input: null, followButton: null,
  blocks: [],    // {first, lines, pen, box, built, cut}
  next: 1,       // number of the next line
  rest: "",      // a line that has not ended yet
  restBox: null,
  query: "", found: [], at: -1,
  target: [0, 0], // marked lines
  follow: false,
  watcher: null,
};

// openLog makes the section.
function openLog(section) {
  log.section = section;
  log.box = el("div", {class: "lines", role: "log", "aria-label": "log"});
  log.status = el("small", {});
  log.counter = el("small", {"aria-live": "polite"});
  log.input = el("input", {type: "search", placeholder: "Find in the log", "aria-label": "find in the log", oninput: later(() => search(log.input.value)),
    onkeydown: e => { if (e.key === "Enter") { step(e.shiftKey ? -1 : 1); e.preventDefault(); } }});
  const wrap = el("button", {"aria-pressed": "true", title: "wrap long lines (w)", id: "wrap", onclick: () => {
    const off = section.classList.toggle("nowrap");
    wrap.setAttribute("aria-pressed", String(!off));
  }}, "Wrap");
  log.followButton = el("button", {"aria-pressed": "false", title: "stay at the end (f)", id: "follow", hidden: true, onclick: () => follow(!log.follow)}, "Follow");
  section.append(
    el("div", {class: "tools"}, el("h2", {}, "Log"), log.status, el("span", {class: "space"}), log.counter, log.input,
      el("button", {title: "previous match", onclick: () => step(-1)}, "↑"), el("button", {title: "next match (Enter)", onclick: () => step(1)}, "↓"),
      wrap, log.followButton, el("button", {title: "to the end (G)", onclick: toEnd}, "End"), el("a", {href: "log.txt", id: "plain"}, "Plain text")),
    log.box);
  log.watcher = new IntersectionObserver(entries => entries.forEach(e => {
    const b = e.target.block;
    if (e.isIntersecting) build(b); else strip(b);
  }), {rootMargin: "1500px 0px"});
}

// later calls f once things have been quiet for a moment.
function later(f) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(f, 120); };
}

// feed takes the next piece of the log's text.
function feed(text) {
  const lines = (log.rest + text).split("\n");
  log.rest = lines.pop();
  for (let at = 0; at < lines.length;) {
    let b = log.blocks.at(-1);
    if (!b || b.cut || b.lines.length >= perBlock) b = addBlock({first: log.next, lines: []});
    const some = lines.slice(at, at + perBlock - b.lines.length);
    for (const l of some) b.lines.push(l.includes("\r") ? overwritten(l) : l);
    log.next += some.length;
    at += some.length;
    grow(b);
  }
  showRest();
  if (log.query) search(log.query, true);
  if (log.follow) toEnd();
}

// cutLog shows that lines are missing, and goes on counting behind them.
function cutLog(lines, text) {
  if (log.rest) feed("\n");
  addBlock({first: log.next, lines: [text], cut: true});
  log.next += lines;
  grow(log.blocks.at(-1));
}

// clearLog forgets all lines, to read them anew.
function clearLog() {
  log.watcher.disconnect();
  log.box.replaceChildren();
  Object.assign(log, {blocks: [], next: 1, rest: "", restBox: null});
}

function addBlock(b) {
  const before = log.blocks.at(-1);
  b.pen = newPen();
  if (before && !before.cut) {
    b.pen = copyPen(before.pen);
    for (const l of before.lines) {
      if (l.includes("\x1b")) for (const m of l.matchAll(escapes)) if (m[1] !== undefined) dip(b.pen, m[1]);
    }
  }
  b.built = -1; // not in the window
  b.box = el("div", {class: "block"});
  b.box.block = b;
  log.blocks.push(b);
  if (log.restBox) log.restBox.before(b.box); else log.box.append(b.box);
  log.watcher.observe(b.box);
  return b;
}

// grow shows that a block has more lines than before.
function grow(b) {
  if (b.built < 0) b.box.style.height = b.lines.length * rowHeight + "px";
  else build(b);
}

// build makes the elements of a block that are not there yet.
function build(b) {
  if (b.built < 0) { b.built = 0; b.box.style.height = ""; b.last = copyPen(b.pen); }
  const part = document.createDocumentFragment();
  for (; b.built < b.lines.length; b.built++) {
    part.append(lineBox(b.first + b.built, b.lines[b.built], b.last, b.cut));
  }
  b.box.append(part);
}

// strip removes the elements of a block that is far away, and keeps its place.
function strip(b) {
  if (b.built < 0) return;
  b.box.style.height = b.box.offsetHeight + "px";
  b.box.replaceChildren();
  b.built = -1;
}

function lineBox(n, line, pen, cut) {
  const text = el("span", {});
  paint(text, line.length > longest ? line.slice(0, longest) : line, pen);
  if (line.length > longest) text.append(el("em", {}, ` … ${plural(line.length - longest, "more character")}, see the plain text`));
  const box = el("div", {class: "l"}, cut ? el("a", {}) : el("a", {href: "#L" + n, "data-n": n, "aria-label": "line " + n}), text);
  if (cut) box.classList.add("cut"); else box.id = "L" + n;
  if (n === 1) box.classList.add("own");
  if (log.query && matches(line)) box.classList.add("found");
  if (n >= log.target[0] && n <= log.target[1]) box.classList.add("target");
  return box;
}

// showRest shows the line that has not ended yet.
function showRest() {
  if (log.restBox) log.restBox.remove();
  log.restBox = null;
  if (log.rest) log.box.append(log.restBox = lineBox(log.next, overwritten(log.rest), newPen()));
}

// blockOf finds the block that has line n.
function blockOf(n) {
  let low = 0, high = log.blocks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (log.blocks[middle].first <= n) low = middle; else high = middle - 1;
  }
  const b = log.blocks[low];
  return b && n >= b.first && n < b.first + b.lines.length ? b : null;
}

// linesBetween are the lines from..to, or null if they are not all there.
function linesBetween(from, to) {
  const list = [];
  for (let n = from; n <= to; n++) {
    const b = blockOf(n);
    if (!b || b.cut) return null;
    list.push(b.lines[n - b.first]);
  }
  return list;
}

// showLine scrolls to line from and marks all up to to. It scrolls again when
// the blocks around have got their real heights.
function showLine(from, to = from) {
  log.target = [from, to];
  for (const old of log.box.querySelectorAll(".target")) old.classList.remove("target");
  const b = blockOf(from);
  if (!b) return false;
  follow(false);
  build(b);
  for (let n = from; n <= to; n++) document.getElementById("L" + n)?.classList.add("target");
  let again = 3;
  const scroll = () => {
    document.getElementById("L" + from)?.scrollIntoView({block: "center"});
    if (--again) requestAnimationFrame(scroll);
  };
  scroll();
  return true;
}

function matches(line) {
  return (line.includes("\x1b") ? bare(line) : line).toLowerCase().includes(log.query);
}

// search marks all lines that have the text, whatever its case.
function search(text, more) {
  log.query = text.toLowerCase();
  log.found = [];
  if (log.query) {
    for (const b of log.blocks) b.lines.forEach((l, i) => { if (!b.cut && matches(l)) log.found.push(b.first + i); });
  }
  if (!more) {
    log.at = -1;
    const found = new Set(log.found);
    for (const box of log.box.querySelectorAll(".l")) box.classList.toggle("found", found.has(Number(box.id.slice(1))));
  }
  count();
}

function count() {
  const n = log.found.length;
  log.counter.textContent = !log.query ? "" : log.at < 0 ? plural(n, "line") : `${log.at + 1} of ${n.toLocaleString("en")}`;
}

// step goes to the next match, or the one before.
function step(by) {
  if (log.input.value.toLowerCase() !== log.query) search(log.input.value);
  const n = log.found.length;
  if (!n) return;
  log.at = log.at < 0 && by < 0 ? n - 1 : (log.at + by + n) % n;
  showLine(log.found[log.at]);
  count();
}

function toEnd() {
  scrollTo({top: document.documentElement.scrollHeight});
}

// follow stays at the end of a log that grows, until somebody scrolls back.
function follow(on) {
  log.follow = on;
  log.followButton.setAttribute("aria-pressed", String(on));
  if (on) toEnd();
}
