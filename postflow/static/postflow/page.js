/* What the pages add when HTMX swaps a part: busy state, focus, one announcement, errors in words. */
(() => {
  const announce = (words) => {
    const announcer = document.getElementById("announcer");
    if (announcer && words) announcer.textContent = words;
  };
  const failed = () => announce("That could not be loaded. Check the connection and try again.");

  document.documentElement.classList.add("has-script");

  document.addEventListener("htmx:beforeRequest", (event) => {
    event.detail.target.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    event.detail.target.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const asked = new URL(requestConfig.path, location.href).pathname;
    // A part that asks by itself is gone, deleted in another tab: the page shows what is left.
    if (xhr.status === 404 && !requestConfig.triggeringEvent) location.reload();
    // Answered from elsewhere: the session ended, and this is the sign-in page.
    if (xhr.responseURL && new URL(xhr.responseURL).pathname !== asked) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const part = document.getElementById(event.detail.target.id) || event.detail.target;
    announce(part.dataset.announce);
    // The link that was pressed is gone with the old part; a part that asks by itself takes no focus.
    const { triggeringEvent } = event.detail.requestConfig || {};
    if (triggeringEvent && document.activeElement === document.body) part.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);

  // A picture that its instance no longer has.
  const missing = (img) => {
    const { instead } = img.dataset;
    if (instead) {
      delete img.dataset.instead;
      img.src = instead;
      return;
    }
    if (!img.closest("figure, .photo-frame, .best-frame")) return;
    const words = document.createElement("span");
    words.className = "no-picture";
    words.textContent = "No picture to show";
    img.replaceWith(words);
  };
  document.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) missing(event.target);
  }, true);
  // Those that failed before this script ran.
  for (const img of document.querySelectorAll("img")) if (img.complete && !img.naturalWidth) missing(img);

  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  // Calm mode: what is covered and stands in no link can be reached with the keyboard, and tapped.
  const covered = ".count, .chart-frame, .chart-finding";
  const reachCovered = () => {
    for (const count of document.querySelectorAll(covered)) {
      if (!count.closest("a, button, summary") && !count.querySelector("canvas")) count.tabIndex = 0;
    }
  };
  if (document.documentElement.hasAttribute("data-calm")) {
    reachCovered();
    document.addEventListener("htmx:afterSettle", reachCovered);
    document.addEventListener("click", (event) => event.target.closest(covered)?.classList.toggle("is-shown"));
  }

  // The device's own time zone, where it is another one than the chosen.
  for (const button of document.querySelectorAll("[data-zone-for]")) {
    const field = document.getElementById(button.dataset.zoneFor);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || zone === field.value) continue;
    button.textContent = `Use ${zone.replaceAll("_", " ")}, the time zone of this device`;
    button.hidden = false;
    button.addEventListener("click", () => {
      field.value = zone;
      button.hidden = true;
      field.focus();
    });
  }
})();
