//! Conversations.

use strawberry_core::{Effort, Message};

use crate::{run, store};

#[tokio::test]
async fn a_conversation_can_be_taken_up_again() {
    let (_folder, store) = store().await;
    assert_eq!(store.load_conversation("c").await.unwrap(), None);
    let first = [Message::user("Hello\nthere"), Message::assistant("Hi")];
    let second = [Message::user("And?"), Message::assistant("Yes")];
    store
        .add_messages("c", 1, None, Some(&run("r")), &first)
        .await
        .unwrap();
    store.add_messages("d", 2, None, None, &[]).await.unwrap();
    store
        .add_messages("c", 3, Some(Effort::High), None, &second)
        .await
        .unwrap();
    let all: Vec<Message> = first.into_iter().chain(second).collect();
    assert_eq!(store.load_conversation("c").await.unwrap(), Some(all));
    assert_eq!(store.load_conversation("d").await.unwrap(), Some(vec![]));
    let listed = store.list_conversations(10).await.unwrap();
    assert_eq!((listed[0].id.as_str(), listed[1].id.as_str()), ("c", "d"));
    assert_eq!(listed[0].title, "Hello there");
    assert_eq!(
        (listed[0].effort, listed[0].messages, listed[0].time_ms),
        (Some(Effort::High), 4, 3)
    );
    assert!(store.remove_conversation("c").await.unwrap());
    assert!(!store.remove_conversation("c").await.unwrap());
    assert_eq!(store.load_conversation("c").await.unwrap(), None);
}
