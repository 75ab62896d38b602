/* Draws every canvas[data-chart] from the JSON beside it, places the photos, reads values out, and throws away what
   is gone. Without it, or without Chart.js, a page shows the same numbers as tables. */
(() => {
  const { configure, notes, posted, title, words } = window.chartKinds;
  const drawn = new Map(); // canvas -> chart
  const openTables = new Set(); // ids of charts whose table the reader opened: a swap keeps it so
  const ROW = 44; // a bar and its name above it; charts.css knows it too
  const STRIP = 12; // how much of a photo is seen where the next one lies on it
  const reading = (data, index) => data.series.map((each) => `${each.name}: ${words(each.values[index])}`);

  const draw = (canvas) => {
    const figure = canvas.closest(".chart");
    const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const panel = Number(canvas.dataset.panel || 0);
    const rows = data.labels.length > 1 ? data.labels.length : data.series.length;
    if (data.kind === "compare") canvas.parentElement.style.height = `${rows * ROW + 8}px`;
    const { ink, ...configuration } = configure(figure, data, panel);
    const place = (chart) => placeMarks(figure, chart);
    const beginning = {
      id: "beginning",
      beforeInit: (chart) => Object.assign(chart, { $data: data, $ink: ink, $panel: panel }),
    };
    const places = { id: "places", afterLayout: place, resize: place };
    const chart = new Chart(canvas, { ...configuration, plugins: [beginning, notes, places] });
    drawn.set(canvas, chart);
    listen(figure, canvas, chart);
  };

  const recolour = () => {
    for (const [canvas, chart] of drawn) {
      const { ink, data, options } = configure(canvas.closest(".chart"), chart.$data, chart.$panel);
      chart.$ink = ink;
      data.datasets.forEach((each, index) => Object.assign(chart.data.datasets[index], each));
      chart.options = options;
      redraw(chart);
    }
  };

  // While an animation is under way an update is left to its next frame, which may never come.
  const redraw = (chart) => {
    chart.stop();
    chart.update("none");
  };

  /* Photos at the time they were posted: links of the page, moved to where their time is. Where there are more than
     fit, they lie fanned out like prints, so that a strip of each can be pressed. */
  const placeMarks = (figure, chart) => {
    const list = figure.querySelector(".chart-marks ul");
    if (!list || !chart.scales.x) return;
    const lanes = Array.from({ length: Number(getComputedStyle(list).getPropertyValue("--lanes")) || 1 }, () => []);
    const room = list.clientWidth;
    for (const item of list.children) {
      const width = item.offsetWidth;
      const middle = chart.scales.x.getPixelForValue(Number(item.dataset.index));
      const place = { item, width, start: Math.max(0, Math.min(middle - width / 2, room - width)) };
      const end = (lane) => (lane.length ? lane.at(-1).start + lane.at(-1).width + 2 : 0);
      const lane = lanes.find((each) => end(each) <= place.start) || lanes.toSorted((a, b) => end(a) - end(b))[0];
      if (lane.length) place.start = Math.max(place.start, lane.at(-1).start + STRIP);
      lane.push(place);
    }
    lanes.forEach((lane, number) => {
      let limit = Infinity;
      for (const place of lane.toReversed()) {
        place.start = Math.max(0, Math.min(place.start, room - place.width, limit));
        limit = place.start - STRIP;
        place.item.style.left = `${place.start}px`;
        place.item.dataset.lane = number;
      }
    });
  };

  const show = (figure, chart, index) => {
    const active = chart.data.datasets.map((_, datasetIndex) => ({ datasetIndex, index }));
    const point = chart.getDatasetMeta(0).data[index];
    chart.setActiveElements(index === null ? [] : active);
    chart.tooltip.setActiveElements(index === null ? [] : active, point ? { x: point.x, y: point.y } : { x: 0, y: 0 });
    redraw(chart);
  };

  const listen = (figure, canvas, chart) => {
    const { $data: data } = chart;
    const last = chart.data.labels.length - 1;
    const heard = figure.querySelector(".chart-heard");
    let at = null;
    const go = (index) => {
      at = index;
      show(figure, chart, at);
      if (heard) {
        const label = chart.data.datasets[0].label;
        heard.textContent = at === null ? "" : data.kind === "compare"
          ? `${chart.data.labels[at]}, ${label}: ${words(chart.data.datasets[0].data[at])}`
          : [title(data, at), ...reading(data, at), ...posted(data, at).map((each) => `posted: ${each}`)].join(", ");
      }
    };
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
      const next = event.key in steps ? Math.min(Math.max((at ?? last) + steps[event.key], 0), last)
        : event.key === "Home" ? 0 : event.key === "End" ? last : event.key === "Escape" ? null : undefined;
      if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(next);
    });
    canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) go(at ?? last); });
    canvas.addEventListener("blur", () => { if (at !== null) go(null); });
    for (const item of figure.querySelectorAll(".chart-marks li")) {
      const index = Number(item.dataset.index);
      for (const name of ["focusin", "mouseenter"]) item.addEventListener(name, () => show(figure, chart, index));
      for (const name of ["focusout", "mouseleave"]) item.addEventListener(name, () => show(figure, chart, null));
    }
  };

  const settle = (figure) => {
    const table = figure.querySelector(".chart-table");
    if (window.Chart && table) {
      table.open = openTables.has(figure.id);
      table.addEventListener("toggle", () => { openTables[table.open ? "add" : "delete"](figure.id); });
    }
    figure.dataset.ready = window.Chart ? "drawn" : "table";
  };

  const refresh = () => {
    for (const [canvas, chart] of drawn) {
      if (canvas.isConnected) continue;
      chart.destroy();
      drawn.delete(canvas);
    }
    for (const figure of document.querySelectorAll(".chart:not([data-ready])")) {
      settle(figure);
      if (window.Chart) for (const canvas of figure.querySelectorAll("canvas[data-chart]")) draw(canvas);
    }
  };

  if (window.Chart) Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  refresh();
  // A swap by HTMX, or anything else, that brings charts or takes them away.
  new MutationObserver(refresh).observe(document.body, { childList: true, subtree: true });
  new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", recolour);
})();
