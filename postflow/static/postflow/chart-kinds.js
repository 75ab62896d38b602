/* The kinds of charts, and our colours: from the data of a chart to what Chart.js takes. `charts.js` draws with it. */
window.chartKinds = (() => {
  const DASHES = { comments: [6, 3], shares: [2, 3] };
  const MAX_TICKS = 6;
  const numbers = new Intl.NumberFormat(document.documentElement.lang || "en");
  const calmly = matchMedia("(prefers-reduced-motion: reduce)");

  /* Words */
  const words = (value) => (value === null ? "not known" : numbers.format(value));
  const title = (data, index) => (data.titles[index] || data.labels[index]) + (index === data.unfinished ? ", so far" : "");
  const posted = (data, index) => {
    const titles = data.marks.filter((mark) => mark.index === index).map((mark) => mark.title);
    return titles.length > 3 ? [...titles.slice(0, 2), `and ${titles.length - 2} more`] : titles;
  };

  /* Colours: a custom property may hold light-dark(), so the browser is asked what it comes to here. */
  const colour = (host, property, platform = "") => {
    const probe = document.createElement("span");
    probe.hidden = true;
    if (platform) probe.dataset.platform = platform;
    probe.style.color = `var(${property}, var(--muted))`;
    host.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const hatched = (ink) => {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const pen = tile.getContext("2d");
    pen.fillStyle = pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    pen.globalAlpha = 0.25;
    pen.fillRect(0, 0, 6, 6);
    pen.globalAlpha = 1;
    for (const start of [-6, 0, 6]) {
      pen.moveTo(start, 6);
      pen.lineTo(start + 6, 0);
    }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  };

  /* What is written into a drawing: "so far", values at the ends of bars, names at the ends of lines. */
  const notes = {
    id: "notes",
    beforeDatasetsDraw(chart) {
      chart.ctx.save();
      chart.ctx.font = `12px ${Chart.defaults.font.family}`;
      chart.ctx.textBaseline = "middle";
      nameBreaks(chart);
      chart.ctx.restore();
    },
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, $data: data, $ink: ink } = chart;
      ctx.save();
      ctx.font = `12px ${Chart.defaults.font.family}`;
      ctx.textBaseline = "middle";
      if (data.kind === "compare") {
        ctx.fillStyle = ink.text;
        chart.getDatasetMeta(0).data.forEach((bar, index) => {
          ctx.fillText(words(chart.data.datasets[0].data[index]), (bar.x || chartArea.left) + 8, bar.y);
        });
      } else {
        if (data.kind === "steps") nameLines(chart);
        if (data.unfinished !== null) {
          ctx.fillStyle = ink.muted;
          ctx.textAlign = "right";
          const at = chart.scales.x.getPixelForValue(data.unfinished);
          ctx.fillText("so far", Math.max(Math.min(at + 18, chart.width), chartArea.left + 34), chartArea.top - 10);
        }
      }
      ctx.restore();
    },
  };
  /* Where the steps of the axis grow longer: the curve looks steeper from there on than it is. */
  const nameBreaks = (chart) => {
    const { ctx, chartArea, scales, $data: data, $ink: ink } = chart;
    ctx.strokeStyle = ctx.fillStyle = ink.muted;
    ctx.setLineDash([2, 3]);
    for (const [index, name] of data.breaks) {
      const at = scales.x.getPixelForValue(index);
      ctx.beginPath();
      ctx.moveTo(at, chartArea.top);
      ctx.lineTo(at, chartArea.bottom);
      ctx.stroke();
      const fits = at + 6 + ctx.measureText(name).width < chartArea.right;
      ctx.textAlign = fits ? "left" : "right";
      ctx.fillText(fits ? name : `${name} →`, fits ? at + 6 : at - 6, chartArea.bottom - 10);
    }
  };
  const endText = (each, values) => `${each} ${words(values.findLast((value) => value !== null) ?? null)}`;
  const roomForNames = (data) => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `12px ${Chart.defaults.font.family}`;
    return 12 + Math.max(...data.series.map((each) => pen.measureText(endText(each.name, each.values)).width));
  };
  const nameLines = (chart) => {
    const ends = chart.data.datasets.flatMap((each, index) => {
      if (chart.$data.series[index].isMarks) return [];
      const points = chart.getDatasetMeta(index).data;
      const last = each.data.findLastIndex((value) => value !== null);
      return last < 0 ? [] : [{ x: points[last].x, y: points[last].y, text: endText(each.label, each.data) }];
    });
    ends.sort((a, b) => a.y - b.y);
    ends.forEach((end, index) => { if (index) end.y = Math.max(end.y, ends[index - 1].y + 15); });
    const over = ends.length ? ends.at(-1).y - chart.chartArea.bottom : 0;
    for (const end of ends) {
      chart.ctx.fillStyle = chart.$ink.text2;
      chart.ctx.textAlign = "left";
      chart.ctx.fillText(end.text, end.x + 6, end.y - Math.max(over, 0));
    }
  };

  /* Series as Chart.js takes them. A comparison of one label turns its series into the bars of one panel. */
  const compared = (figure, data, panel, inks) => {
    const isOne = data.labels.length === 1;
    const inkOf = (index) => (
      data.platforms[index] ? colour(figure, "--platform-line", data.platforms[index]) : inks[panel]);
    return {
      label: isOne ? data.labels[0] : data.series[panel].name,
      data: isOne ? data.series.map((each) => each.values[0]) : data.series[panel].values,
      backgroundColor: isOne ? inks : data.labels.map((_, index) => inkOf(index)),
      barThickness: 14,
      minBarLength: 1,
    };
  };
  const bars = (each, ink, data) => ({
    label: each.name,
    data: each.values,
    backgroundColor: each.values.map((_, at) => (at === data.unfinished ? hatched(ink) : ink)),
    borderColor: ink,
    borderWidth: each.values.map((_, at) => (at === data.unfinished ? 1 : 0)),
    maxBarThickness: 40,
    categoryPercentage: 0.86,
    barPercentage: 1,
  });
  const steps = (each, ink, data) => {
    const isGap = (at) => (each.values[at] ?? null) === null;
    const isOpen = (part) => data.unfinished !== null && part.p1DataIndex >= data.unfinished;
    return {
      label: each.name,
      data: each.values,
      borderColor: ink,
      backgroundColor: ink,
      borderWidth: 2,
      borderDash: DASHES[each.kind] || [],
      stepped: "before",
      spanGaps: false,
      // A value between two gaps has no line: it is a point.
      pointRadius: ({ dataIndex: at }) => (isGap(at - 1) && isGap(at + 1) ? 3 : 0),
      pointHoverRadius: 4,
      segment: { borderDash: (part) => (isOpen(part) ? [4, 4] : undefined) },
    };
  };
  /* A series without a line: a mark on the first one's, or on the axis where that has a gap, wherever it grew. */
  const marksOn = (line, each, ink, edge) => {
    const before = (at) => each.values.slice(0, at).findLast((value) => value !== null) ?? 0;
    return {
      label: each.name,
      data: each.values.map((value, at) => (value > before(at) ? line[at] ?? 0 : null)),
      showLine: false,
      order: -1,
      backgroundColor: ink,
      borderColor: edge,
      borderWidth: 1.5,
      pointStyle: each.kind === "shares" ? "triangle" : "circle",
      pointRadius: each.kind === "shares" ? 7 : 5,
      pointHoverRadius: each.kind === "shares" ? 8 : 6,
    };
  };
  const datasets = (figure, data, panel) => {
    const inks = data.series.map((each) => colour(figure, `--${each.kind}`));
    if (data.kind === "compare") return [compared(figure, data, panel, inks)];
    return data.series.map((each, index) => {
      if (each.isMarks) return marksOn(data.series[0].values, each, inks[index], colour(figure, "--surface"));
      return (data.kind === "steps" ? steps : bars)(each, inks[index], data);
    });
  };

  const scales = (data, ink) => {
    if (data.kind === "compare") {
      // The names stand above their bars, where there is room for all of them.
      const ticks = { mirror: true, labelOffset: -18, padding: 0, autoSkip: false, color: ink.text2, font: { size: 14 }, z: 1 };
      return {
        x: { display: false, beginAtZero: true },
        y: { border: { display: false }, grid: { display: false, drawTicks: false, tickLength: 0 }, ticks },
      };
    }
    const stacked = data.kind === "bars";
    const look = { color: ink.muted, font: { size: 12 } };
    return {
      x: {
        stacked,
        border: { color: ink.line },
        grid: { display: false },
        ticks: { ...look, maxRotation: 0, autoSkipPadding: 16, maxTicksLimit: 8 },
      },
      y: {
        stacked,
        beginAtZero: true,
        suggestedMax: 4,
        grace: stacked ? 0 : "10%",
        border: { display: false },
        grid: { color: ink.line, drawTicks: false },
        ticks: { ...look, padding: 8, precision: 0, maxTicksLimit: MAX_TICKS, callback: (value) => numbers.format(value) },
      },
    };
  };

  const tooltip = (data, ink) => ({
    backgroundColor: ink.text,
    titleColor: ink.bg,
    bodyColor: ink.bg,
    footerColor: ink.bg,
    padding: 10,
    cornerRadius: 8,
    boxPadding: 4,
    usePointStyle: true,
    titleFont: { weight: 600 },
    footerFont: { weight: 400 },
    callbacks: data.kind === "compare" ? {
      label: (item) => `${item.dataset.label}: ${words(item.raw)}`,
    } : {
      title: ([item]) => title(data, item.dataIndex),
      label: (item) => `${item.dataset.label}: ${words(data.series[item.datasetIndex].values[item.dataIndex])}`,
      footer: ([item]) => posted(data, item.dataIndex).map((each, at) => (at ? each : `Posted: ${each}`)),
    },
  });

  const options = (data, ink) => {
    const isCompare = data.kind === "compare";
    const right = { compare: 64, steps: roomForNames(data), bars: 4 }[data.kind];
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: calmly.matches ? false : { duration: 200 },
      indexAxis: isCompare ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: isCompare ? "y" : "x" },
      layout: { padding: { top: isCompare ? 8 : 20, right } },
      scales: scales(data, ink),
      plugins: { legend: { display: false }, tooltip: tooltip(data, ink) },
    };
  };

  /* Return what Chart.js needs, and `ink`, the colours that the notes are written in. */
  const configure = (figure, data, panel) => {
    const ink = Object.fromEntries(
      ["text", "text-2", "muted", "line", "bg"].map((name) => [name.replace("-", ""), colour(figure, `--${name}`)]));
    const isOne = data.kind === "compare" && data.labels.length === 1;
    return {
      ink,
      type: data.kind === "steps" ? "line" : "bar",
      data: {
        labels: isOne ? data.series.map((each) => each.name) : data.labels,
        datasets: datasets(figure, data, panel),
      },
      options: options(data, ink),
    };
  };

  return { configure, notes, posted, title, words };
})();
