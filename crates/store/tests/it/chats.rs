//! Conversations.

use serde_json::json;
use strawberry_core::{Effort, Message};
use strawberry_store::{ConversationChange, NewMessage, Store};

use crate::{run, store};

fn say(parent: Option<u64>, message: Message) -> NewMessage {
    NewMessage {
        parent,
        message,
        run: None,
        meta: json!({}),
    }
}

async fn texts(store: &Store, owner: &str, id: &str) -> Vec<String> {
    let conversation = store.conversation(owner, id).await.unwrap().unwrap();
    let branch = conversation.branch();
    branch.iter().map(|m| m.message.content.clone()).collect()
}

#[tokio::test]
async fn messages_branch_and_the_branch_in_use_goes_on() {
    let (_folder, store) = store().await;
    let settings = ConversationChange {
        settings: Some(json!({"effort": "high"})),
        ..ConversationChange::default()
    };
    store
        .create_conversation("ann", "c", 1, &settings, &[])
        .await
        .unwrap();
    let add = async |parent, message| {
        let new = say(parent, message);
        store.add_message("ann", "c", 2, &new).await.unwrap().unwrap()
    };
    let question = add(None, Message::user("6 * 7?")).await;
    let wrong = add(Some(question), Message::assistant("41")).await;
    let right = add(Some(question), Message::assistant("42")).await;
    assert_eq!((question, wrong, right), (0, 1, 2));
    assert_eq!(texts(&store, "ann", "c").await, ["6 * 7?", "42"]);
    let back = ConversationChange {
        leaf: Some(wrong),
        ..ConversationChange::default()
    };
    assert!(store.change_conversation("ann", "c", &back).await.unwrap());
    assert_eq!(texts(&store, "ann", "c").await, ["6 * 7?", "41"]);
    // The command line goes on from where the app stands.
    store
        .add_messages("c", 3, None, None, &[Message::user("Sure?")])
        .await
        .unwrap();
    assert_eq!(texts(&store, "ann", "c").await, ["6 * 7?", "41", "Sure?"]);
    // What is no message can't be a leaf or a parent.
    let nowhere = ConversationChange {
        leaf: Some(77),
        ..ConversationChange::default()
    };
    store.change_conversation("ann", "c", &nowhere).await.unwrap();
    assert_eq!(texts(&store, "ann", "c").await.len(), 3);
    let orphan = say(Some(77), Message::user("?"));
    assert!(store.add_message("ann", "c", 2, &orphan).await.is_err());
    let changed = store
        .update_message(
            "ann",
            "c",
            right,
            &Message::assistant("forty-two"),
            Some("r"),
            &json!({"x": 1}),
        )
        .await;
    assert!(changed.unwrap());
    let whole = store.conversation("ann", "c").await.unwrap().unwrap();
    assert_eq!(whole.settings, json!({"effort": "high"}));
    assert_eq!(whole.messages[2].message.content, "forty-two");
    assert_eq!(
        (whole.messages[2].run.as_deref(), &whole.messages[2].meta),
        (Some("r"), &json!({"x": 1}))
    );
    assert_eq!(whole.summary.title, "6 * 7?");
}

#[tokio::test]
async fn one_owner_does_not_see_or_touch_what_is_anothers() {
    let (_folder, store) = store().await;
    let none = ConversationChange::default();
    store
        .create_conversation("ann", "c", 1, &none, &[say(None, Message::user("secret"))])
        .await
        .unwrap();
    let rename = ConversationChange {
        title: Some("mine".into()),
        ..none.clone()
    };
    for other in ["bob", "", "ANN"] {
        assert_eq!(store.conversation(other, "c").await.unwrap(), None);
        assert!(
            store
                .find_conversations(other, "", false, 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(!store.change_conversation(other, "c", &rename).await.unwrap());
        assert!(!store.remove_conversation(other, "c").await.unwrap());
        let message = say(None, Message::user("x"));
        assert_eq!(store.add_message(other, "c", 2, &message).await.unwrap(), None);
        let updated = store
            .update_message(other, "c", 0, &Message::user("x"), None, &json!({}))
            .await;
        assert!(!updated.unwrap());
    }
    assert_eq!(texts(&store, "ann", "c").await, ["secret"]);
    // An id that is taken is refused, and the conversation that has it stays as it is.
    assert!(
        store
            .create_conversation("bob", "c", 1, &none, &[])
            .await
            .is_err()
    );
    assert_eq!(texts(&store, "ann", "c").await, ["secret"]);
}

#[tokio::test]
async fn a_search_finds_titles_and_messages_as_they_are_written() {
    let (_folder, store) = store().await;
    for (id, text) in [
        ("a", "How much is 100% of_it?"),
        ("b", "还剩多少个苹果？"),
        ("c", "Pigeons in 100 holes"),
    ] {
        let message = say(None, Message::user(text));
        store
            .create_conversation("", id, 1, &ConversationChange::default(), &[message])
            .await
            .unwrap();
    }
    let found = async |query: &str, archived| {
        let found = store.find_conversations("", query, archived, 10).await.unwrap();
        let mut ids: Vec<_> = found.into_iter().map(|c| c.id).collect();
        ids.sort();
        ids.join("")
    };
    assert_eq!(found("100%", false).await, "a");
    assert_eq!(found("f_i", false).await, "a");
    assert_eq!(found("苹果", false).await, "b");
    assert_eq!(found("PIGEONS", false).await, "c");
    assert_eq!(found("\\", false).await, "");
    assert_eq!(found("", false).await, "abc");
    let put_away = ConversationChange {
        archived: Some(true),
        pinned: Some(true),
        folder: Some(Some("maths".into())),
        title: Some("Holes".into()),
        ..ConversationChange::default()
    };
    store.change_conversation("", "c", &put_away).await.unwrap();
    assert_eq!(
        (found("", false).await, found("hole", true).await),
        ("ab".into(), "c".into())
    );
    let listed = store.find_conversations("", "pigeon", true, 10).await.unwrap();
    assert_eq!(
        (listed[0].title.as_str(), listed[0].folder.as_deref()),
        ("Holes", Some("maths"))
    );
    assert_eq!(listed[0].snippet.as_deref(), Some("Pigeons in 100 holes"));
    assert!(listed[0].pinned);
}

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
    assert!(store.remove_conversation("", "c").await.unwrap());
    assert!(!store.remove_conversation("", "c").await.unwrap());
    assert_eq!(store.load_conversation("c").await.unwrap(), None);
}
