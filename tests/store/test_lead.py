"""One controller leads, on a real Postgres."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from callguard.errors import BadInput, StoreDown
from callguard.store.lead import Lead
from tests.store.conftest import Database


def lead(database: Database, pbx_id: str = "pbx1", tenant: str = "default") -> Lead:
    return Lead(database.app, tenant, pbx_id, patience=0.3, every=0.05)


async def test_one_leads_and_the_next_only_when_it_has_ended(database: Database) -> None:
    first, second = lead(database), lead(database)
    await first.take()
    with pytest.raises(BadInput, match="another controller leads PBX pbx1 of tenant default"):
        await second.take()
    await first.close()
    await second.take()
    await second.close()


async def test_each_pbx_and_tenant_has_its_own(database: Database) -> None:
    leads = [lead(database), lead(database, "pbx2"), lead(database, tenant="other")]
    for one in leads:
        await one.take()
    for one in leads:
        await one.close()


async def test_a_controller_that_is_about_to_end_is_waited_for(database: Database) -> None:
    first, second = lead(database), lead(database)
    await first.take()
    taking = asyncio.create_task(second.take())
    await asyncio.sleep(0.1)
    await first.close()
    await asyncio.wait_for(taking, 5)
    await second.close()


def end_connections(database: Database) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (database.name,),
        )


async def test_a_connection_that_breaks_is_made_anew_and_leads_on(database: Database) -> None:
    first, second = lead(database), lead(database)
    await first.take()
    keeping = asyncio.create_task(first.keep())
    end_connections(database)
    await asyncio.sleep(0.5)
    with pytest.raises(BadInput):
        await second.take()
    assert not keeping.done()
    keeping.cancel()
    await first.close()
    await second.close()


async def test_who_was_overtaken_ends(database: Database) -> None:
    first, second = lead(database), lead(database)
    await first.take()
    end_connections(database)
    await second.take()
    with pytest.raises(BadInput, match="another controller leads"):
        await asyncio.wait_for(first.keep(), 5)
    await first.close()
    await second.close()


async def test_without_postgres_nobody_begins_to_lead() -> None:
    with pytest.raises(StoreDown):
        await Lead("host=127.0.0.1 port=1 user=x dbname=x", "default", "pbx1").take()
