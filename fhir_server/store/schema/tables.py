"""All tables together, as migrations are compared with."""

from sqlalchemy import MetaData

metadata = MetaData()
