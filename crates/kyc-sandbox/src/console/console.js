"use strict";
// Adds rows as they come, and keys. Without it the pages are complete.
(() => {
  const $ = (id) => document.getElementById(id);
  const rows = $("rows");
  const live = $("live");
  const pause = $("pause");
  const waiting = $("waiting");

  const say = (words) => {
    if (live && live.textContent !== words) live.textContent = words;
  };

  // ---- rows as they come ----
  let source = null;
  let after = rows ? rows.dataset.after : "0";
  let isPaused = false;
  // What came while it was paused: the newest first, and how many there were.
  let held = [];
  let count = 0;

  const isScrolled = () => window.scrollY > 200;

  const trim = (list, most) => {
    while (list.children.length > most) list.lastElementChild.remove();
  };

  const insert = (html) => {
    const focused = document.activeElement;
    rows.insertAdjacentHTML("afterbegin", html);
    trim(rows, Number(rows.dataset.most));
    const none = $("none");
    if (none && rows.children.length > 0) none.remove();
    if (focused && document.contains(focused)) focused.focus({ preventScroll: true });
  };

  const showWaiting = () => {
    waiting.hidden = count === 0;
    waiting.textContent = count === 1 ? "1 new row" : `${count} new rows`;
  };

  const release = () => {
    const html = held.reverse().join("");
    held = [];
    count = 0;
    if (html) insert(html);
    showWaiting();
  };

  const fill = (id, html) => {
    const element = $(id);
    // Nobody's place in a list is taken away.
    if (element && html !== undefined && !element.contains(document.activeElement)) element.innerHTML = html;
  };

  const open = () => {
    if (!rows || source) return;
    const query = new URLSearchParams({ after, filter: rows.dataset.filter, page: location.pathname });
    source = new EventSource(`/sandbox/stream?${query}`);
    source.onopen = () => say("Live");
    source.onerror = () => say("The connection is lost. Trying again…");
    source.addEventListener("state", (event) => {
      say(isPaused ? "Paused" : "Live");
      fill("state", JSON.parse(event.data).state);
    });
    source.addEventListener("rows", (event) => {
      after = event.lastEventId;
      const data = JSON.parse(event.data);
      fill("state", data.state);
      fill("journeys", data.journeys);
      if (!data.rows) return;
      if (isPaused || isScrolled()) {
        held.push(data.rows);
        // More than a page's worth is not kept.
        if (held.length > 50) held.shift();
        count += data.count;
        showWaiting();
      } else {
        insert(data.rows);
      }
    });
  };

  const close = () => {
    if (source) source.close();
    source = null;
  };

  const setPaused = (paused) => {
    isPaused = paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    say(paused ? "Paused" : "Live");
    if (!paused) release();
  };

  if (rows) {
    if (pause) {
      pause.hidden = false;
      pause.addEventListener("click", () => setPaused(!isPaused));
      waiting.addEventListener("click", () => {
        window.scrollTo({ top: 0 });
        if (isPaused) setPaused(false);
        else release();
      });
    }
    window.addEventListener("scroll", () => {
      if (!isPaused && !isScrolled() && count > 0) release();
    }, { passive: true });
    // A page that nobody sees needs no connection; a browser has few to one address.
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", open);
    if (!document.hidden) open();
  }

  // ---- values that are shown for a while ----
  if (document.querySelector(".unmasked")) setTimeout(() => location.replace(location.href), 30000);

  // ---- copies ----
  const copy = async (button) => {
    const text = $(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("The browser does not allow copying; select the text.");
    }
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }

  // ---- keys ----
  const links = () => [...document.querySelectorAll(".rows a.open")];

  const move = (by) => {
    const all = links();
    if (all.length === 0) return;
    let place = all.indexOf(document.activeElement);
    if (place < 0) {
      const current = all.findIndex((link) => link.hasAttribute("aria-current"));
      place = current < 0 ? (by > 0 ? -1 : 0) : current;
    }
    const next = all[Math.min(Math.max(place + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const follow = (selector) => {
    const link = document.querySelector(selector);
    if (link) link.click();
  };

  let before = "";
  const isField = (element) => element.closest("input, textarea, select") !== null;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const key = event.key;
    if (isField(event.target)) {
      if (key === "Escape") event.target.blur();
      return;
    }
    const previous = before;
    before = key;
    switch (key) {
      case "j": move(1); break;
      case "k": move(-1); break;
      case "Escape": follow("a[data-back]"); break;
      case "/": if ($("filter")) $("filter").focus(); else location.assign("/?focus=filter"); break;
      case "p": if (pause) setPaused(!isPaused); break;
      case "r": if ($("replay")) $("replay").focus(); break;
      case "c": if ($("copy-curl")) copy($("copy-curl")); break;
      case "m": follow("a[data-mask]"); break;
      case "l": if (previous === "g") location.assign("/latest"); else return; break;
      case "?": {
        const keys = $("keys");
        if (!keys) return;
        keys.open = !keys.open;
        keys.querySelector("summary").focus();
        break;
      }
      default: return;
    }
    event.preventDefault();
  });
})();
