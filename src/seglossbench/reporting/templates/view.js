// What is in sight: an element with data-metric, data-network and so on is there where the choice of each of these keys
// is its own value, or "" for all.
(() => {
  "use strict";
  const $ = (query, inside = document) => [...inside.querySelectorAll(query)];
  const root = document.documentElement, off = new Set(), chosen = {}, usual = {};
  const selects = $("select[data-key]");
  const keys = [...new Set(selects.map(select => select.dataset.key))];
  selects.forEach(select => { usual[select.dataset.key] = chosen[select.dataset.key] = select.value; });
  const parts = ["[data-loss]", ...keys.map(key => `[data-${key}]`)].join(",");
  const apply = () => {
    for (const part of $(parts)) {
      const of = part.dataset;
      const out = ("loss" in of && off.has(of.loss))
        || keys.some(key => key in of && chosen[key] !== "" && of[key] !== chosen[key]);
      if (part.hasAttribute("hidden") !== out) part.toggleAttribute("hidden", out);
    }
    $("[data-toggle]").forEach(button => button.setAttribute("aria-pressed", !off.has(button.dataset.toggle)));
    selects.forEach(select => { select.value = chosen[select.dataset.key]; });
    const other = off.size > 0 || keys.some(key => chosen[key] !== usual[key]);
    document.dispatchEvent(new CustomEvent("chosen", {detail: other}));
  };
  const say = text => { const said = $(".said")[0]; said.textContent = text; setTimeout(() => { said.textContent = ""; }, 3000); };

  // The link keeps the view: #anchor?metric=HD95&off=ce
  const anchor = () => location.hash.slice(1).split("?")[0];
  const remember = () => {
    const view = new URLSearchParams();
    for (const key of keys) if (chosen[key] !== usual[key]) view.set(key, chosen[key]);
    off.forEach(loss => view.append("off", loss));
    if (root.dataset.theme) view.set("theme", root.dataset.theme);
    const text = view.toString();
    history.replaceState(null, "", text || anchor() ? `#${anchor()}${text ? "?" + text : ""}` : location.pathname + location.search);
  };
  const restore = () => {
    const at = location.hash.indexOf("?");
    const view = new URLSearchParams(at < 0 ? "" : location.hash.slice(at + 1));
    const known = new Set($("[data-toggle]").map(button => button.dataset.toggle));
    for (const select of selects) {
      const key = select.dataset.key, value = view.get(key);
      if (value !== null && [...select.options].some(option => option.value === value)) chosen[key] = value;
    }
    off.clear();
    view.getAll("off").filter(loss => known.has(loss)).forEach(loss => off.add(loss));
    if (["light", "dark"].includes(view.get("theme"))) root.dataset.theme = view.get("theme");
    apply();
    if (at >= 0 && anchor()) document.getElementById(decodeURIComponent(anchor()))?.scrollIntoView();
  };
  const changed = () => { apply(); remember(); };
  selects.forEach(select => select.addEventListener("change", () => { chosen[select.dataset.key] = select.value; changed(); }));
  $("[data-toggle]").forEach(button => button.addEventListener("click", event => {
    const loss = button.dataset.toggle, all = $("[data-toggle]").map(other => other.dataset.toggle);
    if (event.shiftKey) {  // this one alone, or all again
      const alone = all.every(other => off.has(other) === (other !== loss));
      off.clear();
      if (!alone) all.filter(other => other !== loss).forEach(other => off.add(other));
    } else if (!off.delete(loss)) off.add(loss);
    changed();
  }));
  $("[data-theme-switch]").forEach(button => button.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember();
  }));
  $("[data-copy]").forEach(button => button.addEventListener("click", async () => {
    remember();
    try { await navigator.clipboard.writeText(location.href); say("Link copied"); } catch { say("The link is in the address bar"); }
  }));
  $('nav a[href^="#"], a.self').forEach(link => link.addEventListener("click", event => {
    const target = document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
    if (!target) return;
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    remember();
    target.scrollIntoView();
    target.setAttribute("tabindex", "-1");
    target.focus({preventScroll: true});
  }));
  addEventListener("hashchange", restore);
  document.addEventListener("unpacked", apply);

  // Contents: where the reader is.
  const places = new Map($("nav > ul > li > a").map(link => [decodeURIComponent(link.getAttribute("href").slice(1)), link]));
  const seen = new IntersectionObserver(found => found.filter(entry => entry.isIntersecting).forEach(entry => {
    places.forEach(link => link.removeAttribute("aria-current"));
    places.get(entry.target.querySelector("h2").id)?.setAttribute("aria-current", "true");
  }), {rootMargin: "-15% 0px -75% 0px"});
  $("main > section").forEach(section => seen.observe(section));
  $(".bar").forEach(bar => bar.removeAttribute("hidden"));
  restore();
})();
