/* The form "filters": a choice counts at once, days when they are asked for. Without this it is a form with a button. */
(() => {
  const sheet = () => document.querySelector("details.more[open]");

  document.addEventListener("change", ({ target }) => {
    const { form } = target;
    if (form?.id !== "filters") return;
    if (target.type === "date") {
      // Other days than those of a preset: whatever is asked for next means these.
      for (const radio of form.querySelectorAll("[type=radio]")) radio.checked = false;
    } else if (target.type !== "search") {
      form.requestSubmit();
    }
  });

  // The cross in the field.
  document.addEventListener("search", ({ target }) => {
    if (target.form?.id === "filters" && !target.value) target.form.requestSubmit();
  });

  // The form comes anew with each answer; what was open stays open, until days were chosen.
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    const before = detail.target.querySelector("details.more");
    const after = detail.fragment.querySelector("details.more");
    if (before && after) after.open = before.open && before.contains(document.activeElement) && document.activeElement.type !== "submit";
  });

  document.addEventListener("keydown", (event) => {
    const open = sheet();
    if (event.key !== "Escape" || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    const open = sheet();
    if (open && !open.contains(event.target)) open.open = false;
  });
})();
