import type { RequestId } from "./message.ts";

const followed = new WeakSet<object>();

/**
 * Tells of the end of every handler of a server in this process, by the id of
 * its request. The SDK's servers answer no cancelled request, so nothing that
 * travels says when its handler has ended; they forget the handler's controller
 * then. Of a server that keeps none nothing is told.
 */
export function onHandlerEnd(server: object, ended: (id: RequestId) => void): void {
  const controllers: unknown = Reflect.get(server, "_requestHandlerAbortControllers");
  if (!(controllers instanceof Map) || followed.has(controllers)) return;
  followed.add(controllers);
  const forget = controllers.delete.bind(controllers);
  Object.assign(controllers, {
    delete: (id: RequestId): boolean => {
      ended(id);
      return forget(id);
    },
  });
}
