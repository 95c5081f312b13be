import type { GateSides } from "./gate-sides.ts";
import type { Gate } from "./gate.ts";
import type { Message } from "./message.ts";
import type { Receive, Transport } from "./transport.ts";

/** What a transport is gated by. */
interface Attached {
  readonly sides: GateSides;
  gate: Gate;
}

const attached = new WeakMap<object, Map<object, Attached>>();

/**
 * Puts a gate into a transport: what it receives goes through the gate before
 * the handler that was, or will be, set; what is sent goes through it, too. The
 * transport stays the object it is, as servers tell transports apart by class.
 *
 * @param owner who gates; a transport is gated once for each
 */
export function attachGate(
  owner: object,
  transport: Transport,
  createGate: (sides: GateSides) => Gate,
): void {
  const owners = attached.get(transport) ?? new Map<object, Attached>();
  attached.set(transport, owners);
  const before = owners.get(owner);
  if (before !== undefined) {
    // A transport that is used for a second connection: its hooks are in place.
    before.gate = createGate(before.sides);
    return;
  }
  const slot = messageSlot(transport);
  const send = transport.send.bind(transport);
  /** The message that the gate has let through, while the handler takes it. */
  let passing: Message | undefined;
  let outermost: Receive | undefined;

  const sides: GateSides = {
    toServer(message, extra) {
      passing = message;
      try {
        return outermost?.(message, extra);
      } finally {
        passing = undefined;
      }
    },
    toClient: send,
  };
  const state: Attached = { sides, gate: createGate(sides) };
  owners.set(owner, state);

  const gatedBy = (handler: Receive): Receive => {
    const receive: Receive = (message, extra) => {
      // A handler that wraps the one before it comes by here again.
      if (message === passing) return handler(message, extra);
      return state.gate.fromClient(message, extra);
    };
    return receive;
  };
  const install = (handler: Receive | undefined): void => {
    outermost = handler;
    slot.set(handler === undefined ? undefined : gatedBy(handler));
  };
  const present = slot.get();
  Object.defineProperty(transport, "onmessage", {
    configurable: true,
    enumerable: true,
    get: slot.get,
    set: install,
  });
  if (present !== undefined) install(present);
  transport.send = (message, options) => state.gate.fromServer(message, options);
  closeWith(transport, () => state.gate.close());
}

interface Slot {
  readonly get: () => Receive | undefined;
  readonly set: (handler: Receive | undefined) => void;
}

/** Where a transport keeps its handler: in an accessor of its own or of its class, or as a value. */
function messageSlot(transport: Transport): Slot {
  for (
    let holder: object | null = transport;
    holder !== null;
    holder = Object.getPrototypeOf(holder)
  ) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, "onmessage");
    if (descriptor === undefined) continue;
    if (descriptor.get === undefined || descriptor.set === undefined) break;
    return {
      get: () => descriptor.get?.call(transport),
      set: (handler) => descriptor.set?.call(transport, handler),
    };
  }
  let value = transport.onmessage;
  return {
    get: () => value,
    set: (handler) => {
      value = handler;
    },
  };
}

/** Servers keep the `onclose` that they find, and call it. */
function closeWith(transport: Transport, close: () => void): void {
  const { onclose } = transport;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a callback, no event target
  transport.onclose = () => {
    close();
    onclose?.();
  };
}
