"use strict";
// The server has drawn everything. This hides, sorts and remembers: an element with data-metric, data-network and so on
// is in sight where the choice of each of these keys is its own value, or "" for all.
(() => {
  const $ = (query, inside = document) => [...inside.querySelectorAll(query)];
  const root = document.documentElement, off = new Set(), chosen = {}, usual = {};
  const selects = $("select[data-key]");
  const keys = [...new Set(selects.map(select => select.dataset.key))];
  selects.forEach(select => { usual[select.dataset.key] = chosen[select.dataset.key] = select.value; });
  const parts = $(["[data-loss]", ...keys.map(key => `[data-${key}]`)].join(","));
  const apply = () => {
    for (const part of parts) {
      const of = part.dataset;
      const out = ("loss" in of && off.has(of.loss))
        || keys.some(key => key in of && chosen[key] !== "" && of[key] !== chosen[key]);
      if (part.hasAttribute("hidden") !== out) part.toggleAttribute("hidden", out);
    }
    $("[data-toggle]").forEach(button => button.setAttribute("aria-pressed", !off.has(button.dataset.toggle)));
    selects.forEach(select => { select.value = chosen[select.dataset.key]; });
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

  // A click on a head sorts its column; rows of class "first" stay first, cells without a number go last.
  $("[data-sort]").forEach(button => button.addEventListener("click", () => {
    const head = button.closest("th"), place = [...head.parentNode.children].indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.children) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => {
      const cell = row.children[place], number = cell.dataset.by ?? "";
      return cell.classList.contains("num") || cell.classList.contains("word")
        ? (number === "" ? null : Number(number)) : cell.textContent.trim().toLowerCase();
    };
    const order = (x, y) => x === null ? (y === null ? 0 : 1) : y === null ? -1 : (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].filter(row => !row.classList.contains("first"));
    rows.map(row => [value(row), row]).sort((a, b) => order(a[0], b[0])).forEach(([, row]) => body.append(row));
  }));

  // Filters: rows that have all the words typed.
  $("[data-filter]").forEach(input => input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean), of = input.dataset.filter;
    const rows = $(`#${of}-tables tr[data-name]`);
    let kept = 0;
    for (const row of rows) {
      const fits = words.every(word => row.dataset.name.includes(word));
      row.classList.toggle("filtered", !fits);
      kept += fits;
    }
    $(`[data-count=${of}]`).forEach(place => { place.textContent = `${kept} of ${rows.length}`; });
  }));

  // Curves: the values at the place that is pointed at, or chosen by the arrow keys.
  $(".curves:not(.still)").forEach(picture => {
    const figure = picture.closest("figure"), reading = figure.querySelector(".reading"), pointer = picture.querySelector(".pointer");
    let lines, stops, at = -1;
    const prepare = () => {
      if (lines) return;
      const read = line => line.dataset.points.split(" ").map(point => point.split(":").map(Number));
      lines = $("g[data-points]", picture).map(line => ({
        line, points: read(line), runs: $("path[data-points]", line).map(run => [run.dataset.seed, read(run)]),
      }));
      stops = [...new Map(lines.flatMap(({points}) => points.map(([x, place]) => [x, place]))).entries()].sort((a, b) => a[0] - b[0]);
    };
    const show = index => {
      at = Math.max(0, Math.min(stops.length - 1, index));
      const [x, place] = stops[at];
      pointer.setAttribute("x1", place);
      pointer.setAttribute("x2", place);
      pointer.removeAttribute("hidden");
      const found = lines.filter(({line}) => !line.hasAttribute("hidden"))
        .map(({line, points, runs}) => [line.dataset.loss, points.find(point => point[0] === x), runs])
        .filter(([, point]) => point).sort((a, b) => b[1][2] - a[1][2]);
      const of = runs => runs.map(([seed, points]) => {
        const near = points.reduce((best, point) => Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best);
        return `seed ${seed}: ${near[1]}`;
      }).join(", ");
      reading.textContent = `at ${x}: ` + found.map(([loss, point, runs]) =>
        `${loss} ${point[2]}` + (runs.length ? ` (${of(runs)})` : "")).join(", ");
    };
    const hide = () => { pointer.setAttribute("hidden", ""); reading.textContent = ""; at = -1; };
    picture.addEventListener("pointermove", event => {
      prepare();
      const box = picture.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * picture.viewBox.baseVal.width;
      let nearest = 0;
      stops.forEach((stop, index) => { if (Math.abs(stop[1] - x) < Math.abs(stops[nearest][1] - x)) nearest = index; });
      show(nearest);
    });
    picture.addEventListener("pointerleave", hide);
    picture.addEventListener("blur", hide);
    picture.addEventListener("keydown", event => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      prepare();
      show(at < 0 ? 0 : at + step);
    });
  });

  // Slices of a case: one at a time, by a slider; without script they stand below each other.
  $("[data-slices]").forEach(box => {
    const slices = [...box.children], slider = document.createElement("input"), label = document.createElement("label");
    Object.assign(slider, {type: "range", min: 0, max: slices.length - 1, value: slices.length >> 1});
    label.className = "slider";
    label.append("slice ", slider);
    const show = () => slices.forEach((slice, index) => slice.toggleAttribute("hidden", index !== Number(slider.value)));
    slider.addEventListener("input", show);
    box.prepend(label);
    show();
  });

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
