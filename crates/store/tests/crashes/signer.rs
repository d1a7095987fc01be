//! A group that signs in this very process, on a store.

use std::sync::Arc;

use hardfrost_engine::Code;
use hardfrost_frost::GroupPublic;
use hardfrost_store::{Opened, Store, Writer};

use crate::life::{Home, CEREMONY};
use crate::operator::{Operator, Refused};

/// A store that is open and a group that signs.
pub struct Signer {
    pub store: Store,
    pub operator: Operator<Writer>,
    pub public: Arc<GroupPublic>,
}

impl Signer {
    pub fn new(home: &Home) -> Self {
        Store::create(&home.dir, &home.key("old")).unwrap();
        let (store, mut operator) = open(home);
        let public = operator.make_key(CEREMONY).unwrap();
        Self {
            store,
            operator,
            public,
        }
    }

    /// The same after a restart.
    pub fn again(home: &Home) -> Self {
        let (store, operator) = open(home);
        let public = operator.engine.held_keys().remove(0).public;
        Self {
            store,
            operator,
            public,
        }
    }
}

fn open(home: &Home) -> (Store, Operator<Writer>) {
    let Opened { store, records } = Store::open(&home.dir, &home.key("old")).unwrap();
    let operator = Operator::new(&records, store.writer(), drop);
    (store, operator)
}

/// The code of a refusal.
pub fn code<T>(asked: &Result<T, Refused>) -> Option<Code> {
    asked
        .as_ref()
        .err()
        .map(|Refused(rejection)| rejection.code())
}
