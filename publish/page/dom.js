"use strict";
// All that is shown is made here. Text is set as text; there is no other way
// in this page to bring a string into the document.

// el makes an element: el("a", {class: "x", href: "#"}, "text", child, …).
// Attributes that are false, null or undefined are left out.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else e.setAttribute(key, value === true ? "" : String(value));
  }
  e.append(...children.filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

// web makes a link if the address is one of the web, else plain text.
function web(address, text, title) {
  if (!/^https?:\/\//i.test(address || "")) return el("span", {title}, text);
  return el("a", {href: address, title, rel: "noopener noreferrer"}, text);
}

// beside is the address of an object beside this page.
function beside(file) {
  return "./" + String(file).split("/").map(encodeURIComponent).join("/");
}

// span writes seconds for people: 0.35 s, 12 s, 3 min 05 s, 2 h 10 min.
function span(seconds) {
  if (!(seconds > 0)) return "";
  if (seconds < 10) return (Math.round(seconds * 100) / 100 || 0.01) + " s";
  const s = Math.round(seconds);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + String(s % 60).padStart(2, "0") + " s";
  return Math.floor(s / 3600) + " h " + String(Math.floor(s % 3600 / 60)).padStart(2, "0") + " min";
}

// bytes writes a size for people.
function bytes(n) {
  const units = ["B", "kB", "MB", "GB"];
  let u = 0;
  for (; n >= 999.5 && u < 3; u++) n /= 1000;
  return (u ? n.toFixed(1) : n) + " " + units[u];
}

// plural is "1 test", "5 tests".
function plural(n, word) {
  return n.toLocaleString("en") + " " + word + (n === 1 ? "" : "s");
}

// when is a moment, short, with all of it on hover.
function when(time) {
  const d = new Date(time);
  if (isNaN(d)) return null;
  const p = n => String(n).padStart(2, "0");
  const text = `${d.getFullYear()}-${p(d.getMonth() + 1)}-${p(d.getDate())} ${p(d.getHours())}:${p(d.getMinutes())}`;
  return el("time", {datetime: d.toISOString(), title: d.toISOString()}, text);
}
