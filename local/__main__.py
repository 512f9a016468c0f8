"""`python -m local`: build the Debian folders that tests use, with what happens in sight; `spark`: PySpark alone."""

import sys

from local import artemis, bookworm, kafka, keycloak, spark, trixie
from local.helm import HELM
from local.s3 import VERSITYGW
from local.server import ServerError


def build_spark() -> None:
    """Build PySpark; a registry that is away stops no test but its own."""
    try:
        print(spark.ensure() or "no Spark: no Java to run it with")
    except ServerError as error:
        print(f"no Spark: {error}")


if __name__ == "__main__":
    if "spark" in sys.argv[1:]:
        build_spark()
    elif reason := trixie.why_not():
        print(f"no Debian folders: {reason}")
    else:
        for part in trixie.PARTS:
            print(f"{trixie.with_part(part)} has {part.packages}")
        print(f"{bookworm.ensure()} has Python")
        for program in (HELM, VERSITYGW):
            try:
                print(f"{program.ensure() or f'no {program.name}: no Go to build it with'}")
            except ServerError as error:
                print(f"no {program.name}: {error}")
        for name, of_java in (("Keycloak", keycloak), ("Artemis", artemis), ("Kafka", kafka)):
            try:
                print(f"{of_java.ensure() or f'no {name}: no Java, or no Maven, to run and fetch it with'}")
            except ServerError as error:  # a repository that is away stops no test but its own
                print(f"no {name}: {error}")
        build_spark()
