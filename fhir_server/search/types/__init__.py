"""The types of search parameters: for each, the rows it writes and the predicates it reads.

Source: FHIR R4 §3.1.1.4, https://hl7.org/fhir/R4/search.html#ptypes
"""
