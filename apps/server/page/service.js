// Asking the service: every request of the page but those of <img> goes through here.

/** What the service, or the way to it, said instead of an answer. */
export class ServiceError extends Error {
  /** `status` is 0 where nothing answered; `retryAfter` is in seconds, or null. */
  constructor(status, code, message, retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
  /** Whether asking again later may do. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status === 503;
  }
}

let askForKey = null;

/** `prompt` is called when a key is needed; its promise is kept once a session has begun. */
export function onKeyNeeded(prompt) {
  askForKey = prompt;
}

/** The ServiceError that a reply with an error stands for. */
export async function errorOf(reply) {
  let error = {};
  try {
    error = (await reply.json()).error ?? {};
  } catch {
    // A proxy's page, or a reply that was cut: the status has to do.
  }
  const seconds = Number.parseInt(reply.headers.get("retry-after"), 10);
  return new ServiceError(reply.status, error.code ?? "", error.message ?? `HTTP ${reply.status}`,
                          Number.isNaN(seconds) ? null : seconds);
}

/** The JSON that the service answers, or null where there is none; throws ServiceError. */
export async function ask(method, path, body, signal) {
  for (;;) {
    let reply;
    try {
      reply = await fetch(path, {
        method,
        signal,
        headers: body === undefined ? {} : {"content-type": "application/json"},
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ServiceError(0, "offline", "The service does not answer.", null);
    }
    if (reply.status === 401 && askForKey && path !== "/v1/session") {
      await askForKey();
      signal?.throwIfAborted();
      continue;
    }
    if (!reply.ok) throw await errorOf(reply);
    return reply.status === 204 ? null : await reply.json();
  }
}
