// Colours of terminals. A line is cut at its escape sequences; those of colour
// change the pen. All others are dropped, and so are stray control characters
// and those that turn the direction of writing.

const escapes = /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -\/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -\/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const odd = /[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

// newPen is how text looks without any sequence.
function newPen() {
  return {fg: "", bg: "", looks: new Set()};
}

function copyPen(pen) {
  return {fg: pen.fg, bg: pen.bg, looks: new Set(pen.looks)};
}

const looks = {1: "bold", 2: "faint", 3: "italic", 4: "under", 7: "inverse", 9: "strike"};
const ends = {22: ["bold", "faint"], 23: ["italic"], 24: ["under"], 27: ["inverse"], 29: ["strike"]};

// dip changes the pen as a colour sequence says.
function dip(pen, sequence) {
  const codes = sequence.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i++) {
    const c = codes[i];
    if (c === 0) { pen.fg = pen.bg = ""; pen.looks.clear(); }
    else if (looks[c]) pen.looks.add(looks[c]);
    else if (ends[c]) ends[c].forEach(l => pen.looks.delete(l));
    else if (c >= 30 && c <= 37) pen.fg = c - 30;
    else if (c >= 90 && c <= 97) pen.fg = c - 82;
    else if (c === 39) pen.fg = "";
    else if (c >= 40 && c <= 47) pen.bg = c - 40;
    else if (c >= 100 && c <= 107) pen.bg = c - 100;
    else if (c === 49) pen.bg = "";
    else if (c === 38 || c === 48) {
      let colour = "";
      if (codes[i + 1] === 5) { colour = palette(codes[i + 2]); i += 2; }
      else if (codes[i + 1] === 2) { colour = rgb(codes[i + 2], codes[i + 3], codes[i + 4]); i += 4; }
      if (c === 38) pen.fg = colour; else pen.bg = colour;
    }
  }
}

function rgb(r, g, b) {
  return `rgb(${r & 255}, ${g & 255}, ${b & 255})`;
}

// palette is one of the 256 colours: a number for the first sixteen.
function palette(n) {
  if (!(n >= 0 && n < 256)) return "";
  if (n < 16) return n;
  if (n >= 232) return rgb(8 + (n - 232) * 10, 8 + (n - 232) * 10, 8 + (n - 232) * 10);
  const step = v => v ? 55 + v * 40 : 0;
  n -= 16;
  return rgb(step(Math.floor(n / 36)), step(Math.floor(n / 6) % 6), step(n % 6));
}

// stroke is a piece of text in the pen's colours.
function stroke(pen, text) {
  if (pen.fg === "" && pen.bg === "" && pen.looks.size === 0) return document.createTextNode(text);
  const e = document.createElement("span");
  e.textContent = text;
  e.classList.add(...pen.looks);
  if (typeof pen.fg === "number") e.classList.add("f" + pen.fg); else if (pen.fg) e.style.color = pen.fg;
  if (typeof pen.bg === "number") e.classList.add("b" + pen.bg); else if (pen.bg) e.style.backgroundColor = pen.bg;
  return e;
}

// paint appends a line to parent and leaves the pen as the line leaves it.
function paint(parent, line, pen) {
  let at = 0;
  if (odd.test(line)) {
    for (const m of line.matchAll(escapes)) {
      if (m.index > at) parent.append(stroke(pen, line.slice(at, m.index)));
      if (m[1] !== undefined) dip(pen, m[1]);
      at = m.index + m[0].length;
    }
  }
  if (at < line.length) parent.append(stroke(pen, at ? line.slice(at) : line));
}

// bare is text without sequences and control characters.
function bare(text) {
  return text.replace(escapes, "");
}

// overwritten is what a terminal shows of a line in which a program has gone
// back to the beginning, as progress bars do.
function overwritten(line) {
  if (line.endsWith("\r")) line = line.slice(0, -1);
  const at = line.lastIndexOf("\r");
  return at < 0 ? line : line.slice(at + 1);
}
