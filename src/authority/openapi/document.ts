import { ADMIN_KEY_HEADER, ORG_KEY_HEADER, REQUEST_ID_HEADER } from "../../wire/index.ts";
import { AUTHORITY_VERSION } from "../version.ts";
import { DESCRIBED_OPERATIONS } from "./operations.ts";
import type { DescribedOperation, NeededKey, OtherContent } from "./operations.ts";
import { jsonSchemas } from "./schemas.ts";
import type { SchemaName } from "./schemas.ts";

const SECURITY: Readonly<Record<NeededKey, readonly Readonly<Record<string, readonly []>>[]>> = {
  org: [{ orgKey: [] }],
  admin: [{ adminKey: [] }],
  none: [],
};

/** The OpenAPI 3.1 document of this authority, made from what the wire's schemas say. */
export function openapiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of DESCRIBED_OPERATIONS) {
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "MachineID authority",
      version: AUTHORITY_VERSION,
      description:
        "Hard allow or deny before code executes. Every failure says `allowed: false`; every answer has a request id.",
      license: { name: "MIT", identifier: "MIT" },
    },
    // The document is served beside the API, whatever its address is.
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: jsonSchemas(),
      securitySchemes: {
        orgKey: { type: "apiKey", in: "header", name: ORG_KEY_HEADER },
        adminKey: { type: "apiKey", in: "header", name: ADMIN_KEY_HEADER },
      },
    },
  };
}

let json: string | undefined;

/** The document as JSON. It is made when it is first asked for. */
export function openapiJson(): string {
  return (json ??= JSON.stringify(openapiDocument()));
}

function describe(operation: DescribedOperation): object {
  const { operationId, summary, key, request, requestRequired = true, answers } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId,
    summary,
    security: SECURITY[key],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(request === undefined
      ? {}
      : { requestBody: { required: requestRequired, content: jsonContent(request) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)]),
      ),
      default: responseOf("Failure"),
    },
  };
}

function parametersOf({ parameters = {}, query = {}, headers = {} }: DescribedOperation): object[] {
  return [
    ...Object.entries(parameters).map(([name, description]) => ({
      name,
      in: "path",
      required: true,
      description,
      schema: { type: "string" },
    })),
    ...Object.entries(query).map(([name, { description, enum: values }]) => ({
      name,
      in: "query",
      description,
      schema: { type: "string", ...(values === undefined ? {} : { enum: values }) },
    })),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: "header",
      description,
      schema: { type: "string" },
    })),
  ];
}

function responseOf(answer: SchemaName | OtherContent): object {
  const isOurs = typeof answer === "string";
  return {
    description: isOurs ? answer : answer.description,
    headers: { [REQUEST_ID_HEADER]: { schema: { type: "string" } } },
    content: isOurs ? jsonContent(answer) : { [answer.type]: { schema: contentOf(answer) } },
  };
}

/** Of what is no JSON of ours, the document says no more than what it is. */
const contentOf = ({ type }: OtherContent): object =>
  type === "application/json" ? { type: "object" } : { type: "string" };

const jsonContent = (name: SchemaName): object => ({
  "application/json": { schema: { $ref: `#/components/schemas/${name}` } },
});
