// Drag and drop, and the name of the chosen file. The page works without it.
"use strict";
for (const form of document.querySelectorAll("[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  const chosen = form.querySelector("[data-chosen]");
  const show = () => { chosen.textContent = input.files.length ? input.files[0].name : ""; };
  form.classList.add("scripted");
  show();
  input.addEventListener("change", show);
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    form.addEventListener(name, (event) => { event.preventDefault(); form.classList.remove("over"); });
  }
  form.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; show(); }
  });
  form.addEventListener("submit", (event) => {
    // A download leaves the page as it is.
    if (!event.submitter || !("download" in event.submitter.dataset)) { chosen.textContent = form.dataset.busy; }
  });
  // Back from the verdict, the page may come as it was left.
  window.addEventListener("pageshow", show);
}
