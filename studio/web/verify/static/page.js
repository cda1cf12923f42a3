// Says that the studio is at work, and keeps the button from being pressed twice.
const form = document.querySelector("form");
form.addEventListener("submit", () => {
  form.querySelector("button").disabled = true;
  document.getElementById("working").hidden = false;
});
window.addEventListener("pageshow", () => {
  form.querySelector("button").disabled = false;
  document.getElementById("working").hidden = true;
});
