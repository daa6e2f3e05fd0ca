// The head: what, where, who, when, and what came of it.

const states = {
  running: ["Running", "◐"], success: ["Success", "✓"], failure: ["Failure", "✗"], error: ["Error", "!"],
  cancelled: ["Cancelled", "■"], timeout: ["Timed out", "!"], skipped: ["Skipped", "–"],
};

function showHead(head, r, signs) {
  const state = states[r.state] ? r.state : "running", [word, glyph] = states[state];
  const site = r.web ? r.web.replace(/\/+$/, "") + "/" + r.repo : "";
  const line = el("p", {class: "subject"}, web(site, r.repo));
  if (r.pull) line.append(" · ", web(site && `${site}/pull/${r.pull}`, "#" + r.pull), " ", el("b", {}, r.title || ""));
  else if (r.issue) line.append(" · ", web(site && `${site}/issues/${r.issue}`, "#" + r.issue), " ", el("b", {}, r.title || ""));
  else if (r.branch) line.append(" · branch ", el("b", {}, r.branch));
  const facts = el("div", {class: "facts"});
  const fact = (...what) => facts.append(el("span", {}, ...what));
  if (r.sha) fact("commit ", el("code", {}, web(site && `${site}/commit/${encodeURIComponent(r.sha)}`, r.sha.slice(0, 9), r.sha)));
  if (r.base) fact("merged with ", el("code", {}, web(site && `${site}/commit/${encodeURIComponent(r.base)}`, r.base.slice(0, 9), r.base)));
  if (r.bot) fact("by ", el("span", {title: [r.host && "host " + r.host, r.cyborg && "cyborg " + r.cyborg].filter(Boolean).join(", ")}, r.bot));
  if (r.started) fact("began ", when(r.started));
  fact(r.state === "running" ? "for " : "took ", el("span", {id: "took"}, took(r)), r.timeout ? ` of at most ${span(r.timeout)}` : "");
  if (r.previous) fact(web(r.previous, "previous attempt"));
  if (/^(\.\.\/)+index\.html$/.test(r.attempts || "")) fact(el("a", {href: r.attempts}, "all attempts"));
  const notes = el("ul", {class: "notes"}, ...[...(r.problems || []), ...signs].map(p => el("li", {}, p)));
  head.replaceChildren(
    el("div", {class: "top"}, el("h1", {}, r.context), el("span", {class: "pill s-" + state, id: "state", role: "status"}, el("span", {class: "glyph", "aria-hidden": "true"}, glyph), r.description || word)),
    line, facts, ...(notes.children.length ? [notes] : []), ...repeatLine(r.line), ...progress(r));
  document.title = `${glyph} ${r.description || word} · ${r.context} · ${r.repo}`;
  favicon(state);
}

// took is how long the job has taken by now.
function took(r) {
  const end = r.finished ? new Date(r.finished) : Date.now() + page.ahead;
  return span(Math.max(0.01, (end - new Date(r.started)) / 1000));
}

function repeatLine(line) {
  if (!line) return [];
  const copy = el("button", {title: "copy", onclick: async () => {
    try { await navigator.clipboard.writeText(line); copy.textContent = "Copied"; } catch { getSelection().selectAllChildren(code); }
  }}, "Copy");
  const code = el("code", {}, line);
  return [el("div", {class: "repeat", title: "the line that repeats this run"}, code, copy)];
}

// progress is the bar and its words, against the plan if there is one.
function progress(r) {
  const c = r.counts || {}, all = Math.max(r.planned || 0, c.total || 0);
  if (!all) return [];
  const bar = el("div", {class: "bar", role: "img", "aria-label": "results"});
  for (const [kind, n] of [["failed", c.failed], ["known", c.known], ["passed", c.passed], ["skipped", (c.skipped || 0) + (c.todo || 0)], ["running", c.running]]) {
    if (!n) continue;
    const part = el("i", {class: kind, title: `${kind} ${n}`});
    part.style.width = 100 * n / all + "%";
    bar.append(part);
  }
  const words = [plural(c.total - (c.running || 0), "test"), c.failed && c.failed + " failed", c.known && plural(c.known, "known issue"), c.passed && c.passed.toLocaleString("en") + " passed",
    c.skipped && c.skipped + " skipped", c.todo && c.todo + " expected to fail", c.retried && c.retried + " retried", c.running && c.running + " running",
    c.to_go && c.to_go.toLocaleString("en") + (r.state === "running" ? " to go" : " of the plan did not run")].filter(Boolean);
  return [bar, el("p", {class: "sum"}, words.join(" · "))];
}

function favicon(state) {
  const colour = {success: "#1a7f37", failure: "#c62828", running: "#0a58ca", error: "#d9730d", timeout: "#d9730d"}[state] || "#6e7781";
  document.querySelector("link[rel=icon]").href = "data:image/svg+xml," + encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colour}"/></svg>`);
}

// showFiles lists the artifacts; the pictures of no test are shown.
function showFiles(section, r) {
  const list = r.artifacts || [], used = new Set((r.tests || []).flatMap(t => t.files || []));
  section.hidden = list.length === 0;
  const item = f => el("li", {}, f.file ? el("a", {href: beside(f.file)}, f.name) : f.name, " ",
    el("small", {}, f.withheld ? "withheld: " + f.withheld : bytes(f.size) + (f.redacted ? ", a secret in it is blackened" : "")));
  const shots = list.filter(f => f.file && /^image\//.test(f.type) && !used.has(f.file));
  section.replaceChildren(el("div", {class: "tools"}, el("h2", {}, "Artifacts"), el("small", {}, plural(list.length, "file"))),
    el("div", {class: "shots"}, ...pictures(shots)), el("ul", {class: "list"}, ...[...list].sort((a, b) => a.name < b.name ? -1 : 1).map(item)));
}
