/* Keeps what the browser measures of a page: how far things jump without a reason, when the largest was painted. */
window.measured = { shift: 0, paint: 0 };
window.measured.painted = new Promise((done) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.measured.paint = entry.startTime;
    done();
  }).observe({ type: "largest-contentful-paint", buffered: true });
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.measured.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
