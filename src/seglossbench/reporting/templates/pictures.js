// Pictures that answer: curves read out where they are pointed at, slices go by, one loss stands out of all charts.
(() => {
  "use strict";
  const $ = (query, inside = document) => [...inside.querySelectorAll(query)];

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

  // Slices of a case: one at a time, by a slider and the curve above it; without script they stand below each other.
  $("[data-slices]").forEach(box => {
    const inside = box.closest("details"), slices = [...box.children];
    const curve = inside.querySelector(".profile"), pointer = curve.querySelector(".pointer"), reading = inside.querySelector(".reading");
    const lines = $("g[data-wrong]", curve).map(line => ({line, counts: new Map(line.dataset.wrong.split(" ").map(text => {
      const [place, missed, wrong] = text.split(":");
      return [place, `${missed} missed, ${wrong} false`];
    }))}));
    const slider = document.createElement("input"), label = document.createElement("label");
    Object.assign(slider, {type: "range", min: 0, max: slices.length - 1, value: slices.length >> 1});
    label.className = "slider";
    label.append("slice ", slider);
    const show = () => {
      const {slice, at} = slices[slider.value].dataset;
      slices.forEach((one, index) => one.toggleAttribute("hidden", index !== Number(slider.value)));
      pointer.setAttribute("x1", at);
      pointer.setAttribute("x2", at);
      pointer.removeAttribute("hidden");
      const words = lines.filter(({line}) => !line.hasAttribute("hidden"))
        .map(({line, counts}) => `${line.dataset.loss} ${counts.get(slice) ?? "none"}`);
      reading.textContent = `slice ${slice}: ${words.join("; ")}`;
      slider.setAttribute("aria-valuetext", `slice ${slice}`);
    };
    slider.addEventListener("input", show);
    document.addEventListener("chosen", show);
    curve.addEventListener("click", event => {
      const edge = curve.getBoundingClientRect(), x = (event.clientX - edge.left) / edge.width * curve.viewBox.baseVal.width;
      const far = slices.map(slice => Math.abs(slice.dataset.at - x));
      slider.value = far.indexOf(Math.min(...far));
      show();
    });
    curve.after(label);
    show();
  });

  // The loss of a row, a cell or a button that is pointed at or in focus stands out of every chart.
  let of = "";
  const stand = event => {
    const part = event.target.closest?.("[data-toggle], td[data-loss], th[data-loss], tr[data-loss]");
    const loss = part ? part.dataset.toggle ?? part.dataset.loss : "";
    if (loss === of) return;
    of = loss;
    $("svg [data-loss]").forEach(line => line.classList.toggle("faint", loss !== "" && line.dataset.loss !== loss));
  };
  ["pointerover", "focusin"].forEach(kind => document.addEventListener(kind, stand));
})();
