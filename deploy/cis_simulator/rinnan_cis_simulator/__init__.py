"""A client information system to test against: it takes FHIR R4, counts effects, and misbehaves when told to."""
