"""The tab of the audit log, for auditors."""
