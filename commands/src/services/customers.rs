//! Customers: numbers from the directory, names by reservation.

use super::reservations::{Reservations, Usage};
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor, Outcome};
use crate::error::CommandError;
use crate::lookups::Lookups;
use dlcs_domain::customer::{Customer, CustomerCommand};
use dlcs_domain::directory::{DIRECTORY_ID, Directory, DirectoryCommand};
use dlcs_domain::names::{check_customer_name, check_display_name};
use dlcs_domain::{Aggregate, CustomerId, NameKey};
use dlcs_eventlog::StreamId;
use std::sync::Arc;

/// Name of customer 1, which the first start makes.
pub const DEFAULT_CUSTOMER_NAME: &str = "default";
const DEFAULT_CUSTOMER: CustomerId = CustomerId(1);

#[derive(Clone)]
pub struct CustomerCommands {
    executor: Executor,
    reservations: Reservations,
    lookups: Arc<dyn Lookups>,
}

impl CustomerCommands {
    pub(super) fn new(
        executor: Executor,
        reservations: Reservations,
        lookups: Arc<dyn Lookups>,
    ) -> Self {
        Self { executor, reservations, lookups }
    }

    /// Makes customer 1 at the first start; later it does nothing, also when that customer has
    /// been deleted. Safe to run in several processes, and again after a crash.
    pub async fn ensure_default(&self, context: &CommandContext) -> Result<(), CommandError> {
        let context = context.natural();
        let name = DEFAULT_CUSTOMER_NAME.to_owned();
        let first = DirectoryCommand::AllocateFirst { name: name.clone() };
        self.executor.execute::<Directory>(&context, DIRECTORY_ID, first).await?;
        if self.load(DEFAULT_CUSTOMER).await? != Customer::Absent {
            return Ok(());
        }
        let key = NameKey::Customer(name.clone());
        let _queued = self.reservations.queue(&key).await;
        self.reservations.reserve(&context, &key, &stream(DEFAULT_CUSTOMER)).await?.check()?;
        match self.create_as(&context, DEFAULT_CUSTOMER, &name, &name).await {
            // Another process was faster.
            Ok(_) | Err(CommandError::NameTaken(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Creates a customer under the next number.
    pub async fn create(
        &self,
        context: &CommandContext,
        name: &str,
        display_name: &str,
    ) -> Result<(CustomerId, Decided), CommandError> {
        check_customer_name(name)?;
        check_display_name(display_name)?;
        let key = NameKey::Customer(name.to_owned());
        let _queued = self.reservations.queue(&key).await;
        let id = match self.reservations.holder(&key).await? {
            // Created once only: whoever repeats its own command gets the same answer.
            Some(holder) if holder.usage != Usage::Unused => parse(&holder.owner)?,
            _ => {
                let id = self.allocate(context, name).await?;
                self.reservations.reserve(context, &key, &stream(id)).await?.check()?;
                id
            }
        };
        let decided = self.create_as(context, id, name, display_name).await?;
        Ok((id, decided))
    }

    pub async fn change(
        &self,
        context: &CommandContext,
        id: CustomerId,
        display_name: &str,
    ) -> Result<Decided, CommandError> {
        let command = CustomerCommand::ChangeDisplayName { display_name: display_name.to_owned() };
        Ok(self.executor.execute::<Customer>(context, &id.to_string(), command).await?)
    }

    /// Deletes a customer that has no space. Its number is not used again; its name is free.
    pub async fn delete(
        &self,
        context: &CommandContext,
        id: CustomerId,
    ) -> Result<Decided, CommandError> {
        let head = self.executor.log().head().await?;
        let number = id.to_string();
        let Customer::Live(customer) = self.load(id).await? else {
            let command = CustomerCommand::Delete { is_empty: true };
            return Ok(self.executor.execute::<Customer>(context, &number, command).await?);
        };
        let key = NameKey::Customer(customer.name);
        let seen = self.reservations.look(&key).await?;
        let is_empty = self.lookups.customer_is_empty(id, head).await?;
        let command = CustomerCommand::Delete { is_empty };
        let decided = self.executor.execute::<Customer>(context, &number, command).await?;
        self.reservations.release(context, &key, &stream(id), seen).await?;
        Ok(decided)
    }

    /// Finds a living customer by its name.
    pub async fn by_name(&self, name: &str) -> Result<Option<CustomerId>, CommandError> {
        let key = NameKey::Customer(name.to_owned());
        match self.reservations.holder(&key).await? {
            Some(holder) if holder.usage == Usage::InUse => parse(&holder.owner).map(Some),
            _ => Ok(None),
        }
    }

    pub async fn load(&self, id: CustomerId) -> Result<Customer, CommandError> {
        Ok(self.executor.load::<Customer>(&id.to_string()).await?.state)
    }

    async fn allocate(
        &self,
        context: &CommandContext,
        name: &str,
    ) -> Result<CustomerId, CommandError> {
        let command = DirectoryCommand::AllocateNumber { name: name.to_owned() };
        let context = context.part("number");
        let outcome: Outcome<Directory> =
            self.executor.execute_one(&context, DIRECTORY_ID, command).await?;
        Ok(CustomerId(outcome.after.last))
    }

    async fn create_as(
        &self,
        context: &CommandContext,
        id: CustomerId,
        name: &str,
        display_name: &str,
    ) -> Result<Decided, CommandError> {
        let (name, display_name) = (name.to_owned(), display_name.to_owned());
        let command = CustomerCommand::Create { name: name.clone(), display_name };
        let context = context.part("create");
        match self.executor.execute::<Customer>(&context, &id.to_string(), command).await {
            Ok(decided) => Ok(decided),
            Err(error) => Err(match error.into() {
                CommandError::Conflict(_) => CommandError::NameTaken(name),
                other => other,
            }),
        }
    }
}

fn stream(id: CustomerId) -> StreamId {
    StreamId::new(Customer::CATEGORY, &id.to_string())
}

fn parse(owner: &StreamId) -> Result<CustomerId, CommandError> {
    owner.id().parse().map_err(|_| CommandError::Damaged(format!("`{owner}` is no customer")))
}

/// Lets pass what is for a customer that is there.
pub(super) async fn check_customer(
    executor: &Executor,
    customer: CustomerId,
) -> Result<(), CommandError> {
    match executor.load::<Customer>(&customer.to_string()).await?.state {
        Customer::Live(_) => Ok(()),
        Customer::Absent => {
            Err(CommandError::NotFound(format!("there is no customer `{customer}`")))
        }
        Customer::Deleted { .. } => {
            Err(CommandError::Gone(format!("customer `{customer}` has been deleted")))
        }
    }
}
