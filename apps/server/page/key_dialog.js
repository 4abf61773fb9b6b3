// Asking for the key, once: the service answers it with a cookie that scripts cannot read.

import {byId} from "./dom.js";
import {ask, onKeyNeeded} from "./service.js";

const FLAG = "siglip-signed-in";  // that there is something to forget, never the key itself

let waiting = null;

/** Shows the dialog; the promise is kept when the service has taken a key. */
function prompt() {
  if (!waiting) {
    let done;
    waiting = {promise: new Promise((resolve) => { done = resolve; }), done};
    byId("key-error").textContent = "";
    byId("key").showModal();
  }
  return waiting.promise;
}

async function send(event) {
  event.preventDefault();
  const input = byId("key-input");
  const error = byId("key-error");
  error.textContent = "";
  try {
    await ask("POST", "/v1/session", {key: input.value});
  } catch (problem) {
    error.textContent = problem.status === 401 || problem.status === 403
        ? "The service does not know this key." : problem.message;
    input.select();
    return;
  }
  input.value = "";
  localStorage.setItem(FLAG, "1");
  byId("sign-out").hidden = false;
  byId("key").close();
  waiting.done();
  waiting = null;
}

/** To be called once. */
export function startKeyDialog() {
  onKeyNeeded(prompt);
  byId("key-form").addEventListener("submit", send);
  byId("key").addEventListener("cancel", (event) => event.preventDefault());  // nothing works without
  byId("key").addEventListener("close", () => { if (waiting) byId("key").showModal(); });
  byId("sign-out").hidden = localStorage.getItem(FLAG) === null;
  byId("sign-out").addEventListener("click", async () => {
    await ask("DELETE", "/v1/session");
    localStorage.removeItem(FLAG);
    location.assign("/");
  });
}
