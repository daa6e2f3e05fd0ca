// The tests: what went wrong first and open, what went well folded.

const kinds = [ // in this order; each test is of one kind
  {kind: "failed", title: "Failed", sign: "✗"},
  {kind: "running", title: "Running", sign: "▸"},
  {kind: "known", title: "Known issues", sign: "◆"},
  {kind: "skipped", title: "Skipped", sign: "–"},
  {kind: "todo", title: "Expected to fail", sign: "○"},
  {kind: "passed", title: "Passed", sign: "✓"},
];
const openAtFirst = 20;  // failures that are unfolded
const foldedAbove = 30;  // passed tests that are shown unasked
const perRows = 100;
const excerpt = 40;      // lines of the log shown with a failure

const tests = {section: null, chips: null, box: null, input: null, note: null, rows: new Map(), filter: "", text: "", list: [], groups: {}, opened: 0, unfolded: false};

function kindOf(t) {
  if (t.status === "failed" && t.issue > 0) return "known";
  return kinds.some(k => k.kind === t.status) ? t.status : "running";
}

function openTests(section) {
  tests.section = section;
  tests.chips = el("div", {class: "chips", role: "group", "aria-label": "filter by result"});
  tests.note = el("small", {"aria-live": "polite"});
  tests.input = el("input", {type: "search", placeholder: "Filter tests", "aria-label": "filter tests by name", oninput: later(() => {
    tests.text = tests.input.value.toLowerCase();
    arrange();
  })});
  tests.box = el("div", {});
  section.append(el("div", {class: "tools"}, el("h2", {}, "Tests"), tests.chips, el("span", {class: "space"}), tests.note, tests.input), tests.box);
  for (const k of kinds) {
    const rows = el("div", {});
    const title = el("h3", {});
    tests.groups[k.kind] = {title, rows, box: el("div", {class: "group", hidden: true}, title, rows), shown: []};
    tests.box.append(tests.groups[k.kind].box);
  }
}

// showTests takes the tests as they are by now. Rows of tests that have not
// changed stay as they are, with what the reader has opened in them.
function showTests(list) {
  tests.list = list;
  tests.section.hidden = list.length === 0;
  const rows = new Map();
  list.forEach((t, i) => {
    const key = t.name + "\0" + (rows.has(t.name + "\0") ? i : "");
    const state = JSON.stringify([t.status, t.seconds, t.message, t.line, t.end, t.retries, t.issue, t.files]);
    const old = tests.rows.get(key);
    rows.set(key, old && old.state === state ? old : {test: t, state, kind: kindOf(t), box: null, open: old ? old.box?.open : undefined});
  });
  tests.rows = rows;
  showChips();
  arrange();
}

function showChips() {
  const n = {};
  for (const r of tests.rows.values()) {
    n[r.kind] = (n[r.kind] || 0) + 1;
    if (r.test.retries > 0) n.retried = (n.retried || 0) + 1;
  }
  const chip = (kind, title, count) => count ? el("button", {class: "chip t-" + kind, "aria-pressed": String(tests.filter === kind),
    onclick: () => { tests.filter = tests.filter === kind ? "" : kind; showChips(); arrange(); }}, `${title} ${count.toLocaleString("en")}`) : null;
  tests.chips.replaceChildren(...[...kinds.map(k => chip(k.kind, k.title, n[k.kind])), chip("retried", "Retried", n.retried)].filter(c => c));
}

// wanted tells whether a row passes the filters.
function wanted(r) {
  if (tests.filter && r.kind !== tests.filter && !(tests.filter === "retried" && r.test.retries > 0)) return false;
  return !tests.text || r.test.name.toLowerCase().includes(tests.text);
}

// arrange puts the rows into their groups.
function arrange() {
  const groups = Object.fromEntries(kinds.map(k => [k.kind, []]));
  for (const r of tests.rows.values()) if (wanted(r)) groups[r.kind].push(r);
  let shown = 0;
  for (const k of kinds) {
    const list = groups[k.kind], g = tests.groups[k.kind];
    shown += list.length;
    g.box.hidden = list.length === 0;
    g.title.textContent = `${k.title} · ${list.length.toLocaleString("en")}`;
    const folded = k.kind === "passed" && list.length > foldedAbove && !tests.filter && !tests.text && !tests.unfolded;
    fill(g, folded ? [] : list);
    if (folded) g.rows.replaceChildren(el("p", {class: "none"}, el("button", {id: "all", onclick: () => { tests.unfolded = true; arrange(); }}, `Show ${plural(list.length, "passed test")}`)));
  }
  tests.note.textContent = tests.filter || tests.text ? `${shown.toLocaleString("en")} of ${tests.rows.size.toLocaleString("en")}` : "";
}

// fill shows rows in a group: only what is new is appended, if nothing else
// has changed, so that a list of thousands can grow every two seconds.
function fill(g, list) {
  const same = g.shown.length > 0 && list.length >= g.shown.length && g.shown.every((r, i) => list[i] === r);
  if (!same) {
    g.rows.replaceChildren();
    g.shown = [];
  }
  for (const r of list.slice(g.shown.length)) {
    let last = g.rows.lastElementChild;
    if (!last || last.children.length >= perRows) g.rows.append(last = el("div", {class: "rows"}));
    last.append(row(r));
    g.shown.push(r);
  }
}

// row is the element of a test; what is in it is made when it is opened.
function row(r) {
  if (r.box) return r.box;
  const t = r.test, k = kinds.find(k => k.kind === r.kind);
  const first = bare(t.message || "").trim().split("\n", 1)[0].slice(0, 200);
  r.box = el("details", {class: "test t-" + r.kind, "data-name": t.name},
    el("summary", {}, el("span", {class: "sign", title: k.title}, k.sign), el("span", {class: "name"}, t.name),
      first && el("span", {class: "why"}, first),
      t.issue > 0 && el("span", {class: "tag"}, "known issue #" + t.issue),
      t.retries > 0 && el("span", {class: "tag t-retried"}, plural(t.retries, "retry").replace("retrys", "retries")),
      t.files?.length > 0 && el("span", {class: "tag plain"}, plural(t.files.length, "file")),
      el("time", {}, span(t.seconds))));
  r.box.addEventListener("toggle", () => { if (r.box.open && r.box.children.length === 1) r.box.append(details(r)); });
  if (r.open ?? (r.kind === "failed" && tests.opened++ < openAtFirst)) { r.box.append(details(r)); r.box.open = true; }
  return r.box;
}

// details are the message, the log around it, and the files of a test.
function details(r) {
  const t = r.test, body = el("div", {class: "body"});
  if (t.message) body.append(painted(t.message.split("\n")));
  if (t.line > 0 && r.kind !== "passed" && r.kind !== "skipped") {
    r.around = el("div", {class: "around"});
    body.append(r.around);
    showAround(r);
  }
  const images = [], links = el("div", {class: "links"});
  if (t.line > 0) links.append(el("a", {href: `#L${t.line}` + (t.end > t.line ? `-L${t.end}` : "")}, "in the log, line " + t.line));
  if (t.issue > 0) links.append(web(page.results.web && `${page.results.web}/${page.results.repo}/issues/${t.issue}`, "known issue #" + t.issue));
  links.append(el("a", {href: "#test=" + encodeURIComponent(t.name)}, "link to this test"));
  for (const file of t.files || []) {
    const f = (page.results.artifacts || []).find(a => a.file === file);
    if (f && /^image\//.test(f.type)) images.push(f); else if (f) links.append(el("a", {href: beside(file)}, f.name));
  }
  body.append(el("div", {class: "shots"}, ...pictures(images)), links);
  return body;
}

// showAround shows the end of what the log has of a test, once it is there and
// if it says more than the message.
function showAround(r) {
  const t = r.test, last = Math.max(t.end || 0, t.line), from = Math.max(t.line, last - excerpt + 1);
  const lines = linesBetween(from, last);
  if (!lines) return;
  if (lines.some(l => l.trim()) && bare(lines.join("\n")).trim() !== bare(t.message || "").trim()) r.around.append(painted(lines));
  r.around = null;
}

// showAllAround is for when more of the log has been read.
function showAllAround() {
  for (const r of tests.rows.values()) if (r.around) showAround(r);
}

function painted(lines) {
  const pre = el("pre", {}), pen = newPen();
  lines.forEach((l, i) => { if (i) pre.append("\n"); paint(pre, l.slice(0, longest), pen); });
  return pre;
}

function shot(f, title) {
  return el("figure", {}, el("a", {href: beside(f.file)}, el("img", {src: beside(f.file), alt: f.name, loading: "lazy"})), el("figcaption", {title: f.name}, title || f.name));
}

// What pixel tests call their pictures: what was to be seen, what was seen, and where they differ.
const parts = [
  {title: "expected", names: ["expected", "reference", "ref", "golden", "old", "before"]},
  {title: "actual", names: ["actual", "pixels", "new", "after"]},
  {title: "difference", names: ["diff", "difference", "delta"]},
];

// pictures are figures of images; those that belong together stand side by side.
function pictures(files) {
  const sets = new Map();
  for (const f of files) {
    const m = /^(.+)[-_. ]([A-Za-z]+)\.\w+$/.exec(f.name), part = m ? parts.findIndex(p => p.names.includes(m[2].toLowerCase())) : -1;
    const key = part >= 0 ? m[1] : "\0" + f.file;
    if (!sets.has(key)) sets.set(key, []);
    sets.get(key).push({f, part});
  }
  return [...sets].map(([key, list]) => list.length === 1 ? shot(list[0].f) :
    el("div", {class: "pair"}, el("small", {}, key), el("div", {}, ...list.sort((a, b) => a.part - b.part).map(s => shot(s.f, parts[s.part].title)))));
}

// showTest opens a test and scrolls to it.
function showTest(name) {
  const r = [...tests.rows.values()].find(r => r.test.name === name);
  if (!r) return false;
  if (!r.box || !r.box.isConnected) {
    tests.filter = r.kind;
    tests.text = tests.input.value = "";
    showChips();
    arrange();
  }
  for (const old of tests.box.querySelectorAll(".target")) old.classList.remove("target");
  r.box.open = true;
  r.box.classList.add("target");
  r.box.scrollIntoView({block: "start"});
  return true;
}

// stepFailure goes to the next failure below the top of the window.
function stepFailure(by) {
  const list = [...tests.box.querySelectorAll(".t-failed, .t-known")].filter(b => b.matches(".test"));
  if (!list.length) return;
  const now = list.findIndex(b => b.classList.contains("target"));
  showTest(list[now < 0 ? (by > 0 ? 0 : list.length - 1) : (now + by + list.length) % list.length].dataset.name);
}
