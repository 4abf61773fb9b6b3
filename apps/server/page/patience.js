// Asking again when the service is busy or away, with a countdown that can be cut short.

const LONGEST = 60;  // seconds
const WHEN_NOT_TOLD = 4;

/** Resolves after `seconds`, or when `signal` is aborted, or `skip` (an AbortSignal) is. */
function pause(seconds, signal, skip) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    for (const one of [signal, skip]) {
      one.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, {once: true});
    }
  });
}

/**
 * What `action` returns. While it throws a ServiceError that passes, `onWait(error, seconds, now)`
 * is called every second with what is left and a function that ends the wait.
 */
export async function patiently(action, signal, onWait) {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!error.passes) throw error;
      const skip = new AbortController();
      let left = Math.min(Math.max(error.retryAfter ?? WHEN_NOT_TOLD, 1), LONGEST);
      for (; left > 0 && !skip.signal.aborted; left -= 1) {
        onWait(error, left, () => skip.abort());
        await pause(1, signal, skip.signal);
        signal.throwIfAborted();
      }
    }
  }
}
