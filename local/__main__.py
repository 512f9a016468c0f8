"""`python -m local`: build the Debian folders that tests use, with what happens in sight."""

from local import bookworm, helm, keycloak, trixie
from local.server import ServerError

if __name__ == "__main__":
    if reason := trixie.why_not():
        print(f"no Debian folders: {reason}")
    else:
        for part in trixie.PARTS:
            print(f"{trixie.with_part(part)} has {part.packages}")
        print(f"{bookworm.ensure()} has Python")
        print(f"{helm.ensure() or 'no Helm: no Go to build it with'}")
        try:
            print(f"{keycloak.ensure() or 'no Keycloak: no Java, or no Maven, to run and fetch it with'}")
        except ServerError as error:  # a repository that is away stops no test but its own
            print(f"no Keycloak: {error}")
