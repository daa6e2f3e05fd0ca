// Keeps an open page as new as the server's, and the ages in it as old as they are.
// Without script everything is there too, it only needs a reload.
"use strict";
(() => {
  const root = document.documentElement;
  let skew = Date.parse(root.dataset.now) - Date.now();

  // ago says it as the server does.
  const ago = (then) => {
    const s = Math.floor((Date.now() + skew - then) / 1000);
    const count = (n, unit) => n === 1 ? `1 ${unit} ago` : `${n} ${unit}s ago`;
    if (s < 10) return "just now";
    if (s < 60) return count(s, "second");
    if (s < 3600) return count(Math.floor(s / 60), "minute");
    if (s < 86400) return count(Math.floor(s / 3600), "hour");
    if (s < 30 * 86400) return count(Math.floor(s / 86400), "day");
    return null;
  };
  const ages = () => {
    for (const t of document.querySelectorAll("time[datetime]")) {
      const text = ago(Date.parse(t.dateTime));
      if (text && t.textContent !== text) t.textContent = text;
    }
  };
  setInterval(ages, 1000);

  const isTime = (n) => n.nodeName === "TIME";
  const key = (n) => n.nodeType === 1 && n.id ? n.id : null;

  // morph changes what is shown into what shall be, and leaves alone what is the same.
  const morph = (now, next) => {
    if (now.isEqualNode(next) || isTime(now) && isTime(next) && now.dateTime === next.dateTime) return false;
    if (now.nodeType !== 1 || now.nodeName !== next.nodeName || key(now) !== key(next)) {
      now.replaceWith(next);
      return true;
    }
    let changed = false;
    for (const { name, value } of [...next.attributes]) {
      if (now.nodeName === "DETAILS" && name === "open" || now.getAttribute(name) === value) continue;
      now.setAttribute(name, value);
      changed = true;
    }
    for (const { name } of [...now.attributes]) {
      if (next.hasAttribute(name) || now.nodeName === "DETAILS" && name === "open") continue;
      if (name === "class" && now.className === "fresh") continue;
      now.removeAttribute(name);
      changed = true;
    }
    if (children(now, next)) changed = true;
    if (changed && now.hasAttribute("data-fresh")) {
      flash(now);
      return false; // those around it did not change themselves
    }
    return changed;
  };
  const flash = (n) => {
    n.classList.remove("fresh");
    void n.offsetWidth; // begins the animation anew
    n.classList.add("fresh");
  };
  const children = (now, next) => {
    let changed = false;
    const named = new Map([...now.children].filter(key).map((n) => [key(n), n]));
    let at = now.firstChild;
    for (const want of [...next.childNodes]) {
      const same = key(want) ? named.get(key(want)) : at && !key(at) ? at : null;
      if (!same) {
        now.insertBefore(want, at);
        if (want.nodeType === 1) {
          if (want.hasAttribute("data-fresh")) flash(want); else changed = true;
        }
        continue;
      }
      if (same === at) at = at.nextSibling; else now.insertBefore(same, at);
      if (morph(same, want)) changed = true;
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      if (gone.nodeType === 1) changed = true;
      gone.remove();
    }
    return changed;
  };

  if (!window.EventSource) return;
  const stream = new EventSource(`/_events?path=${encodeURIComponent(root.dataset.path)}&have=${root.dataset.version}`);
  const light = (on) => document.getElementById("live")?.classList.toggle("on", on);
  stream.onopen = () => light(true);
  stream.onerror = () => light(false);
  stream.addEventListener("page", (e) => {
    const got = JSON.parse(e.data);
    const box = document.createElement("div");
    box.id = "page";
    box.innerHTML = got.html; // made by the same server with the same templates; scripts in it do not run
    box.querySelector("#live")?.classList.add("on");
    skew = Date.parse(got.now) - Date.now();
    document.title = got.title;
    morph(document.getElementById("page"), box);
    ages();
  });
})();
