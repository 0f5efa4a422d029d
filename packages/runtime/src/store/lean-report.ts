/**
 * libsql asks for a diagnostic report to tell glibc from musl, and a report looks up the network's
 * interfaces unless it is told not to. Imported before libsql.
 */
const { report } = process as { report?: { excludeNetwork?: boolean } };
if (report !== undefined) report.excludeNetwork = true;

export {};
