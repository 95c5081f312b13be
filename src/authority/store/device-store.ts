import type { Decision, RegistrationDecision } from "../decide.ts";
import type { Caller, ChangeOptions, Refused, RestoreOptions, VersionConflict } from "./caller.ts";
import type { DeviceRecord } from "./records.ts";
import type { OrgUsage } from "./org-store.ts";

/** A decision that is in the audit, if it is to be. */
export interface Validated {
  readonly kind: "validated";
  readonly decision: Decision;
  /** The org whose key asked. */
  readonly orgId: string;
  /** Version of the change log that was read. */
  readonly version: number;
  /** No allow may be used for longer, in milliseconds from the sending of its request. */
  readonly waitMs: number;
  /** When key or plan end, milliseconds since the epoch; null when neither does. */
  readonly endsAt: number | null;
}

/** How a device is registered. */
export interface RegisterOptions {
  /** Under whom: from then on only some keys may restore it. */
  readonly owner?: string;
}

/** A registration that was decided, and the org as it is afterwards. */
export interface Registered extends OrgUsage {
  readonly kind: "registered";
  readonly registration: RegistrationDecision;
}

/** Devices by their ids, or all that a pattern covers. */
export type DeviceSelection = readonly string[] | { readonly devicePattern: string };

/** How devices are revoked or unrevoked. `ifVersion` is of restores alone. */
export interface RevocationOptions extends RestoreOptions {
  /** Change nothing, and answer what would be changed. */
  readonly dryRun?: boolean;
}

/** What became of each device of a request to revoke or unrevoke: in the order asked, or of registration. */
export interface RevocationChanged {
  readonly kind: "revocation_changed";
  readonly orgId: string;
  readonly results: readonly {
    readonly deviceId: string;
    readonly found: boolean;
    readonly changed: boolean;
    /** Its restore waits for another key. */
    readonly pending: boolean;
  }[];
  /**
   * Version of this change; when nothing changed, the version that made the
   * devices what they are; when none was found, or none was to be changed, the
   * version that was read.
   */
  readonly version: number;
}

/** A device that is gone, or was not there. */
export type Removed =
  | { readonly kind: "removed"; readonly version: number }
  | { readonly kind: "not_found" };

/** A part of the devices of an org. */
export interface DevicePage {
  /** Only devices registered after this one: a {@link DeviceRecord.id}. @default from the first */
  readonly after?: number;
  /** @default all */
  readonly limit?: number;
  /** Only devices that it covers. @default all */
  readonly devicePattern?: string;
}

/** Devices of an org, in the order of their registration. */
export interface DevicesListed {
  readonly kind: "devices";
  readonly devices: readonly DeviceRecord[];
  /** There are more after the last of these. */
  readonly more: boolean;
  /** Version of the change log that was read. */
  readonly version: number;
}

/** The operations on devices, each with a key of their org. */
export interface DeviceStore {
  /**
   * Reads key, org, device and version as one, and decides.
   *
   * @param auditAllow whether an allow goes into the audit; a denial always does. @default true
   */
  validate(caller: Caller, deviceId: string, auditAllow?: boolean): Promise<Validated | Refused>;
  /** Registers a device if {@link decideRegistration} lets it. */
  register(
    caller: Caller,
    deviceId: string,
    options?: RegisterOptions,
  ): Promise<Registered | Refused>;
  /**
   * Revokes or unrevokes devices, as one change: all of them, or none. Unknown
   * devices are left out of it. {@link planRevocation} and {@link planRestore} decide.
   */
  setRevoked(
    caller: Caller,
    selection: DeviceSelection,
    revoked: boolean,
    options?: RevocationOptions,
  ): Promise<RevocationChanged | VersionConflict | Refused>;
  /** Forgets a device, revoked or not, if {@link authorizeRemoval} lets it. */
  remove(caller: Caller, deviceId: string, options?: ChangeOptions): Promise<Removed | Refused>;
  listDevices(caller: Caller, page?: DevicePage): Promise<DevicesListed | Refused>;
}
