"""A place whose force supplies nothing, end to end over HTTP: not a quiet place, but a gap."""

from crimenb.query import Query, months_between
from crimenb.snapshot import collect
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from tests.bulkfiles import row, street_file

MONTHS = months_between("2025-01", "2025-12")


def test_greater_manchester_is_not_supplied_with_source_date_and_link(serve, live, tmp_path):
    for month in MONTHS:  # a neighbour's strays and the transport police at a station, and no more
        street_file(tmp_path / "csv", [row(month, crime_id="a")] * 2, month)
        btp = row(month, crime_id="", where="Piccadilly (Station)", outcome="", force="btp")
        street_file(tmp_path / "csv", [btp] * 5, month, "btp")
    (tmp_path / "ONSPD_TEST_UK.csv").write_text(
        "pcd,pcds,doterm,osgrdind,ctry,laua,ward,lsoa21,pfa,lat,long\n"
        "M1 1AE,M1 1AE,,1,E92000001,E08000003,,,E23000005,52.6300,-1.1300\n"
    )
    build_archive([tmp_path / "csv"], tmp_path / "A", postcodes=tmp_path / "ONSPD_TEST_UK.csv")
    serve(Archive(tmp_path / "A"))
    data = collect(Query.parse("M1 1AE", MONTHS[0], MONTHS[-1]), live())
    assert len(data.crimes) == 7 * 12
    assert set(data.months["status"]) == {"not supplied"}
    why = data.months["why"].iloc[0]
    assert "Greater Manchester" in why
    assert "checked 2026-10-01" in why
    assert "https://data.police.uk/changelog/" in why
