//! Key generation behind handles: part 1, part 2 (open or sealed), part 3.

use std::collections::BTreeMap;

use hardfrost_frost::dkg::{deal, Contribution, DkgFault, OpenShares, Round1, SealedShare, Seat};
use hardfrost_frost::{FrostIdentifier, KeyShare, Region};
use hardfrost_primitives::{Framed, Hash32, Member, Now};
use rand_core::OsRng;
use serde::Serialize;

use crate::codec;
use crate::failure::Failure;
use crate::handles::{wrong_step, Dealt, Handle, Handles, Sealing, Shown, Shows, Step, Waiting};
use crate::json::{array, bytes, member, List, Object};
use crate::reply::SecretHex;
use crate::requests::{Part1, Part2, Part3, Round1Package, Round2Package};
use crate::signer::Signer;

/// Bytes of a sealing key and its proof.
const SEALING: usize = 33 + 64;

#[derive(Serialize)]
pub(crate) struct Part1Reply {
    secret_package_hex: String,
    package: ShownPackage,
}

#[derive(Serialize)]
struct ShownPackage {
    identifier: String,
    package_hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealing_hex: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Part2Reply {
    secret_package_hex: String,
    packages: Vec<Outgoing>,
}

#[derive(Serialize)]
struct Outgoing {
    identifier: String,
    package_hex: SecretHex,
}

#[derive(Serialize)]
pub(crate) struct Part3Reply {
    key_package: KeyPackageReply,
    public_key_package: PublicReply,
}

#[derive(Serialize)]
struct KeyPackageReply {
    identifier: String,
    data_hex: String,
}

#[derive(Serialize)]
struct PublicReply {
    verifying_shares: BTreeMap<String, String>,
    verifying_key: String,
}

impl Signer {
    pub(crate) fn part1(&self, request: &Part1<'_>) -> Result<Part1Reply, Failure> {
        let member = member("participant_identifier", request.participant_identifier)?;
        let (threshold, count) = (request.min_signers, request.max_signers);
        let ceremony = request.ceremony_id_hex.as_ref();
        let ceremony = ceremony.map(|id| array::<32>("ceremony_id_hex", id));
        let ceremony = ceremony.transpose()?.map(|id| Hash32(*id));
        let within = threshold >= 2 && threshold <= count;
        if !within || count > self.config.limits.members_max || member.number() > count {
            let max = self.config.limits.members_max;
            let why =
                format!("2 <= min_signers <= max_signers <= {max}, and the member is one of them");
            return Err(Failure::invalid(why));
        }
        let now = self.clock.now();
        let mut handles = self.handles()?;
        handles.sweep(now.mono);
        handles.room()?;
        let seat = Seat {
            ceremony: ceremony.unwrap_or(Hash32([0; 32])),
            member,
            threshold,
            count,
        };
        let (dealing, shown) = deal(seat, &Region::new().map_err(DkgFault::from)?, &mut OsRng)?;
        let shows = shows(shown, ceremony.is_some());
        let package = shown_package(member, &shows);
        let step = Step::Dealt(Box::new(Dealt {
            member,
            dealing,
            shows,
            ceremony,
            size: (threshold, count),
        }));
        Ok(Part1Reply {
            secret_package_hex: handles.keep(now.mono, step)?.to_string(),
            package,
        })
    }

    /// The documented exception: what comes out are shares, to be sealed by the host.
    pub(crate) fn part2(&self, request: &Part2<'_>) -> Result<Part2Reply, Failure> {
        let others = shown(&request.round1_packages)?;
        let (mut handles, now, dealt) = self.dealt(&request.secret_package_hex, &others, false)?;
        let contributions = others
            .iter()
            .map(|(m, shows)| (*m, shows.contribution.clone()));
        let (waiting, shares) = dealt.dealing.dangerous_shares(&contributions.collect())?;
        let step = waits(dealt.member, waiting, others, false);
        let packages = shares.iter().map(|(to, share)| Outgoing {
            identifier: FrostIdentifier::of(*to).to_string(),
            package_hex: SecretHex::of(&codec::round2(share)),
        });
        Ok(Part2Reply {
            packages: packages.collect(),
            secret_package_hex: handles.keep(now.mono, step)?.to_string(),
        })
    }

    pub(crate) fn part2_sealed(&self, request: &Part2<'_>) -> Result<Part2Reply, Failure> {
        let others = shown(&request.round1_packages)?;
        let (mut handles, now, dealt) = self.dealt(&request.secret_package_hex, &others, true)?;
        let transcript = transcript(&dealt, &others);
        let round1 = others
            .iter()
            .filter_map(|(m, shows)| Some((*m, round1(shows)?)));
        let (waiting, sealed) = dealt.dealing.seal(transcript, &round1.collect())?;
        let step = waits(dealt.member, waiting, others, true);
        let packages = sealed.iter().map(|(to, sealed)| Outgoing {
            identifier: FrostIdentifier::of(*to).to_string(),
            package_hex: SecretHex::of(sealed),
        });
        Ok(Part2Reply {
            packages: packages.collect(),
            secret_package_hex: handles.keep(now.mono, step)?.to_string(),
        })
    }

    /// Takes the secret of part 1 out, if all that was sent fits it. From here on only a fault of a member ends it.
    fn dealt(
        &self,
        handle: &str,
        others: &Shown,
        sealed: bool,
    ) -> Result<(std::sync::MutexGuard<'_, Handles>, Now, Dealt), Failure> {
        let handle = parse_handle("secret_package_hex", handle)?;
        let now = self.clock.now();
        let mut handles = self.handles()?;
        handles.sweep(now.mono);
        let Step::Dealt(dealt) = handles.look(&handle)? else {
            return Err(wrong_step());
        };
        if dealt.ceremony.is_some() != sealed {
            let why = "part 1 named a ceremony, or did not: shares are sealed inside, or are not";
            return Err(Failure::field("secret_package_hex", why));
        }
        if others
            .values()
            .any(|shows| shows.sealing.is_some() != sealed)
        {
            let why =
                "there for every member where shares are sealed inside, and for none elsewhere";
            return Err(Failure::field("sealing_hex", why));
        }
        let expected = Member::all(dealt.size.1).filter(|m| *m != dealt.member);
        if !others.keys().copied().eq(expected) {
            let why = "one of each other member, and none of our own";
            return Err(Failure::field("round1_packages", why));
        }
        match handles.take(&handle)? {
            Step::Dealt(dealt) => Ok((handles, now, *dealt)),
            Step::Waiting(_) | Step::Held(_) | Step::Persisted(..) => Err(wrong_step()),
        }
    }

    pub(crate) fn part3(&self, request: &Part3<'_>) -> Result<Part3Reply, Failure> {
        let handle = parse_handle("secret_package_hex", &request.secret_package_hex)?;
        let others = shown(&request.round1_packages)?;
        let now = self.clock.now();
        let mut handles = self.handles()?;
        handles.sweep(now.mono);
        let Step::Waiting(waiting) = handles.look(&handle)? else {
            return Err(wrong_step());
        };
        if waiting.others != others {
            let why = "not those that part 2 was given";
            return Err(Failure::field("round1_packages", why));
        }
        let (member, sealed) = (waiting.member, waiting.sealed);
        let incoming = Incoming::read(member, sealed, &request.round2_packages)?;
        if !incoming.senders().eq(others.keys()) {
            let why = "one of each other member";
            return Err(Failure::field("round2_packages", why));
        }
        let Step::Waiting(waiting) = handles.take(&handle)? else {
            return Err(wrong_step());
        };
        let share = match incoming {
            Incoming::Open(shares) => waiting.waiting.dangerous_take(&shares)?,
            Incoming::Sealed(sealed) => waiting.waiting.open(&sealed)?,
        };
        let public = public(&share);
        let handle = handles.keep(now.mono, Step::Held(Box::new(share)))?;
        Ok(Part3Reply {
            key_package: KeyPackageReply {
                identifier: FrostIdentifier::of(member).to_string(),
                data_hex: handle.to_string(),
            },
            public_key_package: public,
        })
    }
}

/// What the other members sent to us, by sender.
enum Incoming {
    Open(OpenShares),
    Sealed(BTreeMap<Member, SealedShare>),
}

impl Incoming {
    fn read(
        us: Member,
        sealed: bool,
        list: &List<Object<Round2Package<'_>>>,
    ) -> Result<Self, Failure> {
        let mut all = if sealed {
            Self::Sealed(BTreeMap::new())
        } else {
            Self::Open(BTreeMap::new())
        };
        for package in &list.0 {
            if package.identifier.0 != us {
                return Err(Failure::field("identifier", "a share for another member"));
            }
            let from = package.sender_identifier.0;
            if !all.insert(from, package.package_hex)? {
                return Err(Failure::field(
                    "sender_identifier",
                    "a member appears twice",
                ));
            }
        }
        Ok(all)
    }

    fn insert(&mut self, from: Member, text: &str) -> Result<bool, Failure> {
        let name = "package_hex";
        Ok(match self {
            Self::Open(shares) => {
                let share = codec::read_round2(&bytes(name, text)?);
                let share = share.ok_or_else(|| Failure::field(name, "no round-2 package"))?;
                shares.insert(from, share).is_none()
            }
            Self::Sealed(sealed) => sealed.insert(from, *array(name, text)?).is_none(),
        })
    }

    fn senders(&self) -> Box<dyn Iterator<Item = &Member> + '_> {
        match self {
            Self::Open(shares) => Box::new(shares.keys()),
            Self::Sealed(sealed) => Box::new(sealed.keys()),
        }
    }
}

pub(crate) fn parse_handle(name: &'static str, text: &str) -> Result<Handle, Failure> {
    Ok(Handle::from_bytes(*array::<32>(name, text)?))
}

fn waits(
    member: Member,
    waiting: hardfrost_frost::dkg::AwaitShares,
    others: Shown,
    sealed: bool,
) -> Step {
    Step::Waiting(Box::new(Waiting {
        member,
        waiting,
        others,
        sealed,
    }))
}

fn shows(shown: Round1, sealed: bool) -> Shows {
    let Round1 {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    } = shown;
    Shows {
        contribution: Contribution {
            commitment,
            proof_of_knowledge,
        },
        sealing: sealed.then_some(Sealing {
            ephemeral,
            possession,
        }),
    }
}

fn round1(shows: &Shows) -> Option<Round1> {
    let Sealing {
        ephemeral,
        possession,
    } = shows.sealing?;
    Some(Round1 {
        commitment: shows.contribution.commitment.clone(),
        proof_of_knowledge: shows.contribution.proof_of_knowledge,
        ephemeral,
        possession,
    })
}

fn sealing_bytes(sealing: &Sealing) -> Vec<u8> {
    [&sealing.ephemeral[..], &sealing.possession].concat()
}

fn shown_package(member: Member, shows: &Shows) -> ShownPackage {
    ShownPackage {
        identifier: FrostIdentifier::of(member).to_string(),
        package_hex: hex::encode(codec::round1(&shows.contribution)),
        sealing_hex: shows
            .sealing
            .map(|sealing| hex::encode(sealing_bytes(&sealing))),
    }
}

fn shown(packages: &List<Object<Round1Package<'_>>>) -> Result<Shown, Failure> {
    let mut all = Shown::new();
    for package in &packages.0 {
        let contribution = codec::read_round1(&bytes("package_hex", &package.package_hex)?);
        let contribution =
            contribution.ok_or_else(|| Failure::field("package_hex", "no round-1 package"))?;
        let sealing = package
            .sealing_hex
            .as_ref()
            .map(|text| sealing(text))
            .transpose()?;
        let shows = Shows {
            contribution,
            sealing,
        };
        if all.insert(package.identifier.0, shows).is_some() {
            return Err(Failure::field("round1_packages", "a member appears twice"));
        }
    }
    Ok(all)
}

fn sealing(text: &str) -> Result<Sealing, Failure> {
    let bytes = array::<SEALING>("sealing_hex", text)?;
    let split = bytes.split_first_chunk::<33>();
    let (ephemeral, possession) = split.ok_or_else(Failure::internal)?;
    Ok(Sealing {
        ephemeral: *ephemeral,
        possession: possession.try_into().map_err(|_| Failure::internal())?,
    })
}

/// What all members must have seen alike: a sealed share opens only under the same.
fn transcript(dealt: &Dealt, others: &Shown) -> Hash32 {
    let (threshold, count) = dealt.size;
    let domain = Framed::domain("hardfrost/c-boundary-transcript/v1");
    let mut framed = domain
        .raw(&threshold.to_be_bytes())
        .raw(&count.to_be_bytes());
    let mut all: BTreeMap<Member, &Shows> = others.iter().map(|(m, shows)| (*m, shows)).collect();
    all.insert(dealt.member, &dealt.shows);
    for (member, shows) in all {
        let sealing = shows
            .sealing
            .as_ref()
            .map(sealing_bytes)
            .unwrap_or_default();
        framed = framed
            .raw(&member.to_be_bytes())
            .frame(&codec::round1(&shows.contribution))
            .frame(&sealing);
    }
    framed.hash()
}

fn public(share: &KeyShare) -> PublicReply {
    let group = share.group();
    let shares = group.members().zip(group.verifying_shares());
    let [_, key @ ..] = group.verifying_key();
    PublicReply {
        verifying_shares: shares
            .map(|(m, point)| (FrostIdentifier::of(m).to_string(), hex::encode(point)))
            .collect(),
        verifying_key: hex::encode(key),
    }
}
