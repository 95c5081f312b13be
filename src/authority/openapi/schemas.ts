import * as z from "zod/mini";
import {
  batchAnswerSchema,
  batchRequestSchema,
  createOrgAnswerSchema,
  createOrgRequestSchema,
  deviceChangeAnswerSchema,
  deviceRequestSchema,
  failureAnswerSchema,
  healthAnswerSchema,
  listDevicesAnswerSchema,
  listOrgsAnswerSchema,
  metaAnswerSchema,
  orgEventSchema,
  registerAnswerSchema,
  registerBlockedAnswerSchema,
  setOrgPlanAnswerSchema,
  setOrgPlanRequestSchema,
  usageAnswerSchema,
  validateAnswerSchema,
} from "../../wire/index.ts";

/** What travels, by the names that the OpenAPI document gives it. */
const SCHEMAS = {
  DeviceRequest: deviceRequestSchema,
  BatchRequest: batchRequestSchema,
  CreateOrgRequest: createOrgRequestSchema,
  SetOrgPlanRequest: setOrgPlanRequestSchema,
  Registered: registerAnswerSchema,
  RegistrationBlocked: registerBlockedAnswerSchema,
  Decision: validateAnswerSchema,
  DeviceList: listDevicesAnswerSchema,
  DeviceChange: deviceChangeAnswerSchema,
  BatchChange: batchAnswerSchema,
  Usage: usageAnswerSchema,
  OrgCreated: createOrgAnswerSchema,
  OrgList: listOrgsAnswerSchema,
  OrgPlanSet: setOrgPlanAnswerSchema,
  Meta: metaAnswerSchema,
  Health: healthAnswerSchema,
  OrgEvent: orgEventSchema,
  Failure: failureAnswerSchema,
} as const satisfies Record<string, z.ZodMiniType>;

export type SchemaName = keyof typeof SCHEMAS;

/** A JSON Schema of each, in the dialect of OpenAPI 3.1. What is sent is what is described. */
export function jsonSchemas(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => {
      const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io: "input" });
      return [name, described];
    }),
  );
}
