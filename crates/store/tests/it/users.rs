//! Users and sessions.

use strawberry_core::Message;
use strawberry_store::User;

use crate::store;

fn user(id: &str, name: &str, admin: bool) -> User {
    User {
        id: id.into(),
        name: name.into(),
        admin,
    }
}

#[tokio::test]
async fn the_first_user_takes_over_what_belonged_to_nobody() {
    let (_folder, store) = store().await;
    store
        .add_messages("c", 1, None, None, &[Message::user("Hello")])
        .await
        .unwrap();
    assert!(!store.has_users().await.unwrap());
    let ann = user("u1", "Ann", true);
    assert!(store.add_user(&ann, "hash", 1, true).await.unwrap());
    assert!(store.conversation("u1", "c").await.unwrap().is_some());
    // Nobody else can be first, and a name is taken in either case.
    let bob = user("u2", "Bob", true);
    assert!(!store.add_user(&bob, "hash", 1, true).await.unwrap());
    assert!(
        !store
            .add_user(&user("u3", "ANN", false), "h", 1, false)
            .await
            .unwrap()
    );
    assert_eq!(store.list_users().await.unwrap(), std::slice::from_ref(&ann));
    assert_eq!(store.find_user("ann").await.unwrap(), Some((ann, "hash".into())));
    // What the command line adds later belongs to nobody still.
    store.add_messages("d", 2, None, None, &[]).await.unwrap();
    assert!(store.add_user(&bob, "hash", 1, false).await.unwrap());
    assert!(store.conversation("u2", "d").await.unwrap().is_none());
    assert!(store.remove_user("u1").await.unwrap());
    assert!(store.conversation("u1", "c").await.unwrap().is_none());
}

#[tokio::test]
async fn sessions_end_with_time_logout_password_and_user() {
    let (_folder, store) = store().await;
    store
        .add_user(&user("u", "Ann", true), "h", 1, true)
        .await
        .unwrap();
    for token in ["a", "b", "c"] {
        store.add_session("u", token, 0, 100).await.unwrap();
    }
    assert!(store.session_user("a", 99).await.unwrap().is_some());
    assert!(store.session_user("a", 100).await.unwrap().is_none());
    assert!(store.session_user("", 1).await.unwrap().is_none());
    store.remove_session("b").await.unwrap();
    assert!(store.session_user("b", 1).await.unwrap().is_none());
    assert!(store.set_password("u", "other").await.unwrap());
    assert!(store.session_user("c", 1).await.unwrap().is_none());
    store.add_session("u", "d", 0, 100).await.unwrap();
    store.remove_user("u").await.unwrap();
    assert!(store.session_user("d", 1).await.unwrap().is_none());
}
