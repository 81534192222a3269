"""The FHIR R4 adapter: one transaction per registration, conditional create, people matched by identity code."""
