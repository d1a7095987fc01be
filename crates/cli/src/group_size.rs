//! How large a group is, as asked for on the command line or as it is already.

use clap::Args;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Suite, MEMBERS_DEFAULT_MAX};
use hardfrost_wire::Roster;

/// What may be said of a group; a kept one is as it is.
#[derive(Args)]
pub struct Wanted {
    /// How many members must sign: 2 to n [default: 3]
    #[arg(short = 't', long, value_name = "T")]
    threshold: Option<u16>,
    /// How many members there are: 2 to 128 [default: 5]
    #[arg(short = 'n', long, value_name = "N")]
    members: Option<u16>,
    /// The suite they sign with: tr or bip445 [default: bip445]
    #[arg(long, value_name = "SUITE")]
    suite: Option<Suite>,
}

/// A group's size and suite.
#[derive(Clone, Copy)]
pub struct GroupSize {
    pub threshold: u16,
    pub members: u16,
    pub suite: Suite,
}

impl Wanted {
    /// The group to make.
    ///
    /// # Errors
    /// Numbers that do not go together.
    pub fn new_group(&self) -> Result<GroupSize, String> {
        let threshold = self.threshold.unwrap_or(3);
        let members = self.members.unwrap_or(5);
        if !(2..=MEMBERS_DEFAULT_MAX).contains(&members) {
            return Err(format!(
                "-n {members}: a group has 2 to {MEMBERS_DEFAULT_MAX} members"
            ));
        }
        if threshold < 2 {
            return Err(format!(
                "-t {threshold}: at least 2 members must sign, or one alone could spend"
            ));
        }
        if threshold > members {
            return Err(format!(
                "-t {threshold} -n {members}: more members would have to sign than there are"
            ));
        }
        Ok(GroupSize {
            threshold,
            members,
            suite: self.suite.unwrap_or(Suite::Bip445),
        })
    }

    /// A group that is there already.
    ///
    /// # Errors
    /// Another one was asked for.
    pub fn kept_group(&self, group: &GroupPublic, roster: &Roster) -> Result<GroupSize, String> {
        let size = GroupSize {
            threshold: group.threshold(),
            members: group.count(),
            suite: roster.suite(),
        };
        let same = self.threshold.is_none_or(|t| t == size.threshold)
            && self.members.is_none_or(|n| n == size.members)
            && self.suite.is_none_or(|suite| suite == size.suite);
        if same {
            return Ok(size);
        }
        Err(format!(
            "the kept group is {} of {} with the suite {}: leave -t, -n and --suite away",
            size.threshold, size.members, size.suite
        ))
    }
}
